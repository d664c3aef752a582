using System.Security.Cryptography;
using System.Text;
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

    /// <summary>Makes a manifest's entry of a shard agree with other bytes of it.</summary>
    public static void Describe(JsonNode shard, byte[] bytes)
    {
        shard["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes));
        shard["bytes"] = bytes.Length;
        shard["footer_crc"] = Crc32C.Compute(bytes.AsSpan(shard["footer_offset"]!.GetValue<int>()));
    }

    /// <summary>Changes one shard of a cache, by its number in the newest manifest.</summary>
    public static void ChangeShard(string cache, int index, Action<byte[], JsonNode> change) => Change(cache, manifest =>
    {
        var shard = manifest["shards"]![index]!;
        var path = Path.Combine(cache, shard["path"]!.GetValue<string>());
        var bytes = File.ReadAllBytes(path);
        change(bytes, shard);
        Describe(shard, bytes);
        File.WriteAllBytes(path, bytes);
    });
}
