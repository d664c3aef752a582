namespace Xkd.Model.Native;

/// <summary>What <see cref="Doctor"/> looks at.</summary>
public sealed record DoctorOptions
{
    /// <summary>Folder of libtorch's libraries (<c>--libtorch</c>). Default null: the usual places.</summary>
    public string? LibTorchDirectory { get; init; }

    /// <summary>Folder whose disk is looked at: where caches and runs go. Default the current folder.</summary>
    public string Folder { get; init; } = Environment.CurrentDirectory;

    /// <summary>Least free disk space, in bytes. Default 2 GiB: two checkpoints of a small model and a demo cache.</summary>
    public long DiskBytes { get; init; } = 2L << 30;

    /// <summary>Least memory, in bytes. Default 4 GiB: ViT-B at batch 2 on the CPU.</summary>
    public long MemoryBytes { get; init; } = 4L << 30;

    /// <summary>Value of an environment variable by name. Default the process's own.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;
}
