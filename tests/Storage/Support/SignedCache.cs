using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Xkd.Storage.Tests;

/// <summary>Changes what a cache says of itself and signs it anew: checks, hashes and checksums hold, the values are whoever's.</summary>
internal static class SignedCache
{
    /// <summary>Text that stands in the JSON as it is, where no node can: <c>1e999</c>.</summary>
    public static JsonNode Raw(string json) => JsonValue.Create("@raw:" + json);

    public static JsonObject Read(byte[] manifest)
    {
        var fields = JsonNode.Parse(manifest)!.AsObject();
        fields.Remove("check");
        return fields;
    }

    public static byte[] Sign(JsonObject fields)
    {
        var text = "{\n" + string.Join(",\n", fields.Select(f => $"\"{f.Key}\": {f.Value?.ToJsonString() ?? "null"}"));
        for (int at; (at = text.IndexOf("\"@raw:", StringComparison.Ordinal)) >= 0;)
        {
            var end = text.IndexOf('"', at + 1);
            text = string.Concat(text.AsSpan(0, at), text.AsSpan(at + 6, end - at - 6), text.AsSpan(end + 1));
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        return Encoding.UTF8.GetBytes($"{text},\n\"check\": \"{hash}\"\n}}\n");
    }

    /// <summary>Changes the newest manifest of a cache.</summary>
    public static void Change(string cache, Action<JsonObject> change)
    {
        var path = Directory.GetFiles(Path.Combine(cache, "manifest"), "*.json").Order(StringComparer.Ordinal).Last();
        var fields = Read(File.ReadAllBytes(path));
        change(fields);
        File.WriteAllBytes(path, Sign(fields));
    }

    /// <summary>Changes a file that the newest manifest names.</summary>
    /// <param name="cache">The folder.</param>
    /// <param name="segment">Place of its segment.</param>
    /// <param name="field"><c>index</c> or <c>ledger</c>.</param>
    /// <param name="change">Its bytes, to others.</param>
    public static void ChangeFile(string cache, int segment, string field, Func<byte[], byte[]> change) => Change(cache, manifest =>
    {
        manifest.Remove("shards"); // an index is believed where the manifest does not say the same
        var file = manifest["segments"]![segment]![field]!;
        var path = Path.Combine(cache, file["path"]!.GetValue<string>());
        var bytes = change(File.ReadAllBytes(path));
        File.WriteAllBytes(path, bytes);
        (file["bytes"], file["sha256"]) = (bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    });

    /// <summary>Changes the rows and the shards of a segment's index.</summary>
    public static void ChangeIndex(string cache, int segment, Action<List<ClipEntry>, List<ShardEntry>> change) => ChangeFile(cache, segment, "index", bytes =>
    {
        List<ClipEntry> rows = [.. RowTable<ClipEntry>.ReadAsync(bytes, int.MaxValue).GetAwaiter().GetResult()];
        var shards = JsonSerializer.Deserialize<List<ShardEntry>>(RowTable<ClipEntry>.ReadMetadataAsync(bytes).GetAwaiter().GetResult()[IndexFile.ShardsKey], StorageJson.Options)!;
        change(rows, shards);
        return IndexFile.WriteAsync(rows, shards).GetAwaiter().GetResult();
    });

    /// <summary>A row with another value in one column.</summary>
    public static ClipEntry With(ClipEntry row, string column, object value)
    {
        var copy = row with { };
        var property = Property(column);
        property.SetValue(copy, value is string ? value : Convert.ChangeType(value, property.PropertyType, System.Globalization.CultureInfo.InvariantCulture));
        return copy;
    }

    public static Type TypeOf(string column) => Property(column).PropertyType;

    private static PropertyInfo Property(string column) => typeof(ClipEntry).GetProperties().Single(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name) == column);

    /// <summary>Changes one shard of a cache, by its place in a segment's index.</summary>
    public static void ChangeShard(string cache, int segment, int place, Action<byte[], ClipEntry[]> change) => ChangeIndex(cache, segment, (rows, shards) =>
    {
        var path = Path.Combine(cache, shards[place].Path);
        var bytes = File.ReadAllBytes(path);
        change(bytes, [.. rows.Where(r => r.ShardPath == shards[place].Path)]);
        File.WriteAllBytes(path, bytes);
        shards[place] = shards[place] with { Bytes = bytes.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) };
    });
}
