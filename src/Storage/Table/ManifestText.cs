using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Xkd.Storage;

/// <summary>
/// A manifest as text: JSON, one list entry a line, and last a <c>check</c> with the SHA-256 of all bytes before it, so that a truncated or altered manifest is told from a complete one.
/// </summary>
internal static class ManifestText
{
    private const string CheckKey = ",\n\"check\": \"";
    private const string End = "\"\n}\n";

    public static byte[] Write(Manifest manifest)
    {
        var fields = JsonSerializer.SerializeToNode(manifest, StorageJson.Options)!.AsObject();
        StringBuilder text = new("{\n");
        text.AppendJoin(",\n", fields.Select(f => $"\"{f.Key}\": " + (f.Value is JsonArray list ? $"[\n{string.Join(",\n", list.Select(Text))}\n]" : Text(f.Value))));
        var body = Encoding.UTF8.GetBytes(text.ToString());
        return [.. body, .. Encoding.UTF8.GetBytes(CheckKey + Hash(body) + End)];
    }

    /// <summary>Null, with the reason, when the bytes are not a complete manifest. Its shards are not in it yet.</summary>
    /// <param name="file">Its name, for errors.</param>
    /// <param name="bytes">The text.</param>
    /// <param name="problem">The reason.</param>
    /// <exception cref="CorruptCacheException">They are complete, and say what no writer says.</exception>
    /// <exception cref="UsageException">They are of another schema.</exception>
    public static Manifest? TryRead(string file, ReadOnlySpan<byte> bytes, out string problem)
    {
        var tail = Encoding.UTF8.GetByteCount(CheckKey) + 64 + Encoding.UTF8.GetByteCount(End);
        if (bytes.Length <= tail)
        {
            problem = $"{bytes.Length} bytes are no manifest";
            return null;
        }

        var body = bytes[..^tail];
        if (Encoding.UTF8.GetString(bytes[^tail..]) != CheckKey + Hash(body) + End)
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
            RequireSchema(file, SchemaOf(bytes));
            manifest = JsonSerializer.Deserialize<Manifest>(bytes, StorageJson.Options)!; // its check was found in it, so it is not null
        }
        catch (JsonException e)
        {
            throw new CorruptCacheException(file, null, e.Path is { Length: > 2 } path ? path[2..] : "manifest", "a manifest's fields", e.Message, e);
        }

        return ManifestCheck.Problem(manifest) is { } problem ? throw new CorruptCacheException(file, null, problem.Field, problem.Expected, problem.Got) : manifest;
    }

    // First, because a manifest of another schema has other fields. What else is wrong with it is said when all of it is read.
    private static int SchemaOf(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<SchemaOnly>(bytes, StorageJson.Options)!.Schema;
        }
        catch (JsonException)
        {
            return Manifest.CurrentSchema;
        }
    }

    private static void RequireSchema(string file, int schema)
    {
        if (schema != Manifest.CurrentSchema && schema > 0)
        {
            throw new UsageException($"{file} is of schema {schema}, this program reads {Manifest.CurrentSchema}: "
                + (schema < Manifest.CurrentSchema ? "convert the cache with xkd cache compact CACHE, which keeps every clip" : "use the xkd that wrote it, or a newer one"));
        }
    }

    private static string Text(JsonNode? node) => node?.ToJsonString(StorageJson.Options) ?? "null";

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private sealed record SchemaOnly(int Schema);
}
