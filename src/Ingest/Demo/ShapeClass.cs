namespace Xkd.Ingest;

/// <summary>The demonstration's classes. Picture and sound of a clip share only this.</summary>
internal enum ShapeClass
{
    /// <summary>A filled circle; a trill of two tones.</summary>
    Disc,

    /// <summary>Four equal sides; a gated buzz.</summary>
    Square,

    /// <summary>Three sides; rising sweeps.</summary>
    Triangle,

    /// <summary>Five rounded points; falling sweeps.</summary>
    Star,

    /// <summary>Two bars; bursts of noise.</summary>
    Cross,

    /// <summary>A circle with a hole; plucked bells.</summary>
    Ring,
}
