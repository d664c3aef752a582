namespace Xkd.Model.Evaluation;

/// <summary>How an encoder's tokens become one feature vector.</summary>
public enum EncoderPooling
{
    /// <summary>Mean over patch tokens, the class token left out: what the reference evaluates.</summary>
    PatchMean,

    /// <summary>The class token (in the reference broken for audio).</summary>
    ClassToken,
}
