namespace Xkd.Pipeline;

/// <summary>A vector of one value per frame: the one text of the log-mel kernel is compiled for each width.</summary>
internal unsafe interface ILanes<T>
    where T : struct, ILanes<T>
{
    /// <summary>Frames side by side, a multiple of four.</summary>
    static abstract int Count { get; }

    static abstract T operator +(T a, T b);

    static abstract T operator -(T a, T b);

    static abstract T operator *(T a, T b);

    /// <summary>a · b + c, rounded once.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    /// <summary>c - a · b, rounded once.</summary>
    static abstract T MultiplySubtract(T a, T b, T c);

    /// <summary>a = 2^exponent · fraction, the fraction between the root of ½ and that of 2.</summary>
    /// <returns>False where a value is not a positive, normal number: what came out for it means nothing.</returns>
    static abstract bool Split(T a, out T exponent, out T fraction);

    /// <summary>The natural logarithm where <paramref name="a"/> is not a positive, normal number, and <paramref name="otherwise"/> in the other lanes.</summary>
    static abstract T LogOfRest(T a, T otherwise);

    static abstract T All(float value);

    /// <summary>Loads from an address that is aligned to the vector.</summary>
    static abstract T Load(float* from);

    /// <summary>Loads from any address.</summary>
    static abstract T LoadAnywhere(float* from);

    /// <summary>Stores to an address that is aligned to the vector.</summary>
    static abstract void Store(T a, float* to);

    /// <summary>Stores to any address.</summary>
    static abstract void StoreAnywhere(T a, float* to);

    /// <summary>Four neighbours of every fourth frame: <c>from[0…3]</c>, <c>from[4·stride…]</c>, <c>from[8·stride…]</c> …</summary>
    static abstract T LoadQuads(float* from, nint stride);

    /// <summary>The same four values in every quarter.</summary>
    static abstract T RepeatQuad(float* from);

    /// <summary>Transposes every 4×4 block: quads of four frames become four samples of one frame per lane.</summary>
    static abstract void TransposeQuads(ref T a, ref T b, ref T c, ref T d);
}
