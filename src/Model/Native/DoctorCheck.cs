namespace Xkd.Model.Native;

/// <summary>One finding about this machine.</summary>
public sealed record DoctorCheck
{
    /// <summary>What was looked at ("libtorch", "numerics cuda:0").</summary>
    public required string Name { get; init; }

    /// <summary>False where training cannot run well without the remedy.</summary>
    public required bool Ok { get; init; }

    /// <summary>What was found.</summary>
    public required string Detail { get; init; }

    /// <summary>What to do about it; null where nothing is to be done.</summary>
    public string? Remedy { get; init; }
}
