namespace Xkd.Storage;
public sealed class Cache
{
    public static Cache Open(string path, int? version = null) => throw new NotSupportedException();
    public string Path { get; private set; } = "";
    public Manifest Manifest => throw new NotSupportedException();
    public IReadOnlyList<ClipEntry> Clips => throw new NotSupportedException();
    /// <summary>What a person should be told about: a damaged newest manifest that was passed over.</summary>
    public IReadOnlyList<string> Warnings { get; private set; } = [];
}
