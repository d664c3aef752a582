using TorchSharp;

namespace Xkd.Model.Native;

/// <summary>Numbers for a native call that takes several, alive until they are disposed of.</summary>
internal sealed class HeldScalars : IDisposable
{
    public HeldScalars(params ReadOnlySpan<double> numbers)
    {
        Values = new Scalar[numbers.Length];
        for (var i = 0; i < numbers.Length; i++)
        {
#pragma warning disable RS0030 // held by this instance
            Values[i] = numbers[i];
#pragma warning restore RS0030
        }
    }

    public Scalar[] Values { get; }

    public void Dispose()
    {
        foreach (var value in Values)
        {
            value.Dispose();
        }
    }
}
