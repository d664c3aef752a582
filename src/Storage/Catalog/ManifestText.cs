using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Xkd.Storage;

/// <summary>
/// A manifest as text: JSON, one shard a line, and last a <c>check</c> with the SHA-256 of all bytes before it, so that a
/// truncated or altered manifest is told from a complete one.
/// </summary>
internal static class ManifestText
{
    private const string ShardsKey = "shards";
    private const string CheckKey = ",\n\"check\": \"";
    private const string End = "\"\n}\n";

    public static byte[] Write(Manifest manifest)
    {
        var fields = JsonSerializer.SerializeToNode(manifest with { Shards = [] }, StorageJson.Options)!.AsObject();
        StringBuilder text = new("{\n");
        var separator = "";
        foreach ((var key, var value) in fields)
        {
            text.Append(separator).Append('"').Append(key).Append("\": ");
            if (key == ShardsKey)
            {
                // The most of it by far, and written without a tree of its numbers.
                text.Append("[\n").AppendJoin(",\n", manifest.Shards.Select(s => JsonSerializer.Serialize(s, StorageJson.Options))).Append("\n]");
            }
            else if (value is JsonArray list)
            {
                text.Append("[\n").AppendJoin(",\n", list.Select(Text)).Append("\n]");
            }
            else
            {
                text.Append(Text(value));
            }

            separator = ",\n";
        }

        var body = Encoding.UTF8.GetBytes(text.ToString());
        return [.. body, .. Encoding.UTF8.GetBytes(CheckKey + Hash(body) + End)];
    }

    /// <summary>Null, with the reason, when the bytes are not a complete manifest.</summary>
    /// <param name="file">Its name, for errors.</param>
    /// <param name="bytes">The text.</param>
    /// <param name="problem">The reason.</param>
    /// <exception cref="CorruptCacheException">They are complete, and say what no writer says.</exception>
    /// <exception cref="UsageException">They are of a schema that this program does not know.</exception>
    public static Manifest? TryRead(string file, ReadOnlySpan<byte> bytes, out string problem)
    {
        var tail = Encoding.UTF8.GetByteCount(CheckKey) + 64 + Encoding.UTF8.GetByteCount(End);
        if (bytes.Length <= tail)
        {
            problem = $"{bytes.Length} bytes are no manifest";
            return null;
        }

        var body = bytes[..^tail];
        var expected = CheckKey + Hash(body) + End;
        if (Encoding.UTF8.GetString(bytes[^tail..]) != expected)
        {
            problem = "it is truncated or altered: its check does not match its bytes";
            return null;
        }

        problem = "";
        return Parse(file, bytes);
    }

    private static Manifest Parse(string file, ReadOnlySpan<byte> bytes)
    {
        Manifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize<Manifest>(bytes, StorageJson.Options)!; // its check was found in it, so it is not null
        }
        catch (JsonException e)
        {
            throw new CorruptCacheException(file, null, e.Path is { Length: > 2 } path ? path[2..] : "manifest", "a manifest's fields", e.Message, e);
        }

        if (manifest.Schema > Manifest.CurrentSchema)
        {
            throw new UsageException($"{file} is of schema {manifest.Schema}, this program reads {Manifest.CurrentSchema}: use the xkd that wrote it, or a newer one");
        }

        return ManifestCheck.Problem(manifest) is { } problem ? throw new CorruptCacheException(file, null, problem.Field, problem.Expected, problem.Got) : manifest;
    }

    private static string Text(JsonNode? node) => node?.ToJsonString(StorageJson.Options) ?? "null";

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
