using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>A folder of generated clips, which says what it was made with: clips of two makings never mix.</summary>
public static class GeneratedSet
{
    /// <summary>Takes a folder for a set, creating it, or finds it taken for the same.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="marker">Name of the file in it that holds <paramref name="options"/>.</param>
    /// <param name="options">All that the clips are a function of, as text.</param>
    /// <exception cref="UsageException">The folder holds a set of other options; both are named.</exception>
    public static void Claim(string root, string marker, string options)
    {
        Directory.CreateDirectory(root);
        var file = Path.Combine(root, marker);
        if (!File.Exists(file))
        {
            File.WriteAllText(file, options);
        }
        else if (File.ReadAllText(file) is var other && other != options)
        {
            throw new UsageException($"{root} holds a set made with {other}, now {options} is asked for; name another folder, or delete it.");
        }
    }
}
