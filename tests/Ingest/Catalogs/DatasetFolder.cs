using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>A temporary folder of empty media and of annotations: a catalog does not look into media.</summary>
public sealed class DatasetFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("xkd-catalog-").FullName;

    public string this[string path] => Path.Combine(Root, path);

    public DatasetFolder Media(params ReadOnlySpan<string> paths)
    {
        foreach (var path in paths)
        {
            Text(path);
        }

        return this;
    }

    public DatasetFolder Text(string path, params string[] lines) => Raw(path, string.Concat(lines.Select(static line => line + "\n")));

    public DatasetFolder Raw(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[path])!);
        File.WriteAllText(this[path], text);
        return this;
    }

    public CatalogListing List(string dataset, string? split = null, string? annotations = null, string root = "") =>
        DatasetRegistry.Open(dataset, new CatalogOptions { Root = this[root], Split = split, Annotations = annotations }).List();

    /// <summary>The one error's text.</summary>
    public string Refused(string dataset, string? split = null, string? annotations = null) => Assert.Throws<UsageException>(() => List(dataset, split, annotations)).Message;

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
