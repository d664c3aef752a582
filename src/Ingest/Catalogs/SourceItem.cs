namespace Xkd.Ingest;

/// <summary>One source file, or one stretch of it, as a dataset's catalog names it.</summary>
public sealed record SourceItem
{
    /// <summary>The clip's id: the path relative to the dataset's root with '/', or what the dataset's convention says.</summary>
    public required string Id { get; init; }

    /// <summary>Full path of the media file.</summary>
    public required string Path { get; init; }

    /// <summary>The class; null for unlabelled sources.</summary>
    public string? Label { get; init; }

    /// <summary>Every label of a multi-label source; a single-label source lists its one class.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>The dataset's split ("train", "val", "test"); null where the dataset has none.</summary>
    public string? Split { get; init; }

    /// <summary>Fold memberships, such as "1:train".</summary>
    public IReadOnlyList<string> Folds { get; init; } = [];

    /// <summary>The lists name it, but it has no file: <see cref="Path"/> is where one would be.</summary>
    public bool IsAbsent { get; init; }

    /// <summary>What the listing shows to be wrong with the file, so that it is not tried; null for nothing.</summary>
    internal ItemFailure? Flaw { get; init; }

    /// <summary>The same item in further files, such as a copy made to replace a broken one: each is tried where those before it fail.</summary>
    public IReadOnlyList<SourceItem> Alternatives { get; init; } = [];

    /// <summary>
    /// The file's name does not say whether it holds the whole source or only the stretch, already cut out: its duration decides
    /// (<see cref="StretchProbe"/>).
    /// </summary>
    public bool MayBeCut { get; init; }

    /// <summary>The id names the recording itself, such as a video's id and its times, and not a path: another file of that id is the same item in another container.</summary>
    public bool NamesRecording { get; init; }

    /// <summary>Start of the stretch in seconds; null is the beginning.</summary>
    public double? Start { get; init; }

    /// <summary>End of the stretch in seconds; null is the end of the file.</summary>
    public double? End { get; init; }
}
