namespace Xkd.Model.Augment;

/// <summary>Where training views are made.</summary>
public enum AugmentDevice
{
    /// <summary>On the training device if that is a GPU, otherwise by the feed's workers.</summary>
    Auto,

    /// <summary>By the feed's workers, clip by clip.</summary>
    Cpu,

    /// <summary>On the training device, a batch at a time.</summary>
    Gpu,
}
