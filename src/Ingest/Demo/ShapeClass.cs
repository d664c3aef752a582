namespace Xkd.Ingest;

/// <summary>The demonstration's classes. Picture and sound of a clip share only this.</summary>
internal enum ShapeClass
{
    /// <summary>Shuttles sideways; a trill of two tones.</summary>
    Disc,

    /// <summary>Shuttles up and down; a gated buzz.</summary>
    Square,

    /// <summary>Circles; rising sweeps.</summary>
    Triangle,

    /// <summary>Swells and shrinks; falling sweeps.</summary>
    Star,

    /// <summary>Spins; bursts of noise.</summary>
    Cross,

    /// <summary>Hops from place to place; plucked bells.</summary>
    Ring,
}
