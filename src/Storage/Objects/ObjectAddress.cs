using System.Text.RegularExpressions;

namespace Xkd.Storage;

/// <summary>A cache's place in an object store.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Prefix">What its objects' keys begin with: empty, or ending in <c>/</c>.</param>
internal sealed partial record ObjectAddress(string Bucket, string Prefix)
{
    public const string Scheme = "s3://";

    public static bool Is(string cache) => cache.StartsWith(Scheme, StringComparison.Ordinal);

    /// <summary>From <c>s3://bucket/prefix</c>.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static ObjectAddress Parse(string cache) =>
        Form().Match(cache) is { Success: true } m && !m.Groups["prefix"].Value.Contains("//", StringComparison.Ordinal)
            ? new ObjectAddress(m.Groups["bucket"].Value, m.Groups["prefix"].Value is { Length: > 0 } prefix ? prefix.TrimEnd('/') + "/" : "")
            : throw new UsageException($"{cache} names no place in an object store: write s3://bucket/prefix");

    public override string ToString() => $"{Scheme}{Bucket}/{Prefix}".TrimEnd('/');

    [GeneratedRegex("^s3://(?<bucket>[a-z0-9][a-z0-9._-]{1,62})(/(?<prefix>.*))?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
