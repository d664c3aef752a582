namespace Xkd.Model.Configuration;

/// <summary>What the spectrograms of the views are cut from.</summary>
public enum SpectrogramSource
{
    /// <summary>What the cache holds: its log-mel of whole clips, or its waveforms.</summary>
    Any,

    /// <summary>The waveform of each window, cut, changed in volume and mirrored at its edges, as the released code does; the cache must be one of <c>--audio pcm</c>.</summary>
    PerWindow,
}
