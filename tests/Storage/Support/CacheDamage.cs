using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Xkd.Storage.Tests;

/// <summary>
/// Damage to a cache, made up from a seed: bytes flipped and cut off; and manifests, ledgers, row indexes and shards with impossible values that are signed anew, so
/// that no checksum tells. The cache must have several versions; the newest is what is damaged.
/// </summary>
/// <param name="cache">The folder.</param>
/// <param name="mels">Mel bands of the cache.</param>
/// <param name="random">Chooses.</param>
internal sealed class CacheDamage(string cache, int mels, Random random)
{
    private static readonly string[] FreeText = ["created", "decoder", "mel_backend", "dataset", "root", "split", "annotations", "modalities"];
    private static readonly string[] Optional = ["parent", "checksum", "origins", "frame_rule", "mel_backend", "mark"];
    private static readonly string[] Paths =
    [
        "", "/etc/passwd", "../x", "shards/../../x-000001.parquet", "shards/a-000001.parquet\0", "shards\\a-000001.parquet", "shards/a-000001.parquet\n", "s3://b/c",
    ];

    private readonly Dictionary<string, byte[]> _good = Directory.GetFiles(cache, "*", SearchOption.AllDirectories).ToDictionary(f => f, File.ReadAllBytes);
    private readonly string _manifest = Directory.GetFiles(Path.Combine(cache, "manifest")).Order(StringComparer.Ordinal).Last();
    private readonly string[] _shards = [.. Directory.GetFiles(Path.Combine(cache, "shards")).Order(StringComparer.Ordinal)];
    private readonly Dictionary<string, int[]> _ends = Directory.GetFiles(Path.Combine(cache, "shards")).ToDictionary(f => f, f => IndexField.RowEnds(f, mels));

    private Func<string?>[] Kinds => [Flipped, Cut, ManifestValue, ManifestValue, ManifestList, IndexValue, IndexValue, IndexText, Payload, Footer, LedgerLine];

    /// <summary>Makes one damage, of the kinds in turn.</summary>
    /// <returns>What was done.</returns>
    public string Make(int number)
    {
        while (true)
        {
            if (Kinds[number % Kinds.Length]() is { } done)
            {
                return done;
            }

            Mend(); // what was drawn was there already
        }
    }

    /// <summary>Puts everything back.</summary>
    public void Mend()
    {
        foreach (var added in Directory.GetFiles(cache, "*", SearchOption.AllDirectories).Except(_good.Keys))
        {
            File.Delete(added);
        }

        foreach ((var file, var bytes) in _good)
        {
            File.WriteAllBytes(file, bytes);
        }
    }

    private string Flipped()
    {
        var file = Pick([_manifest, .. _shards, Path.Combine(cache, "ledger", "main.jsonl")]);
        byte[] bytes = [.. _good[file]];
        int at = random.Next(bytes.Length), bit = random.Next(8);
        bytes[at] ^= (byte)(1 << bit);
        File.WriteAllBytes(file, bytes);
        return $"{Name(file)}: bit {bit} of byte {at}";
    }

    private string Cut()
    {
        var file = Pick([_manifest, .. _shards, Path.Combine(cache, "ledger", "main.jsonl")]);
        var length = random.Next(_good[file].Length);
        File.WriteAllBytes(file, _good[file][..length]);
        return $"{Name(file)}: {length} bytes of {_good[file].Length}";
    }

    // Any field of the manifest, at any depth, becomes what no writer writes there, or goes.
    private string? ManifestValue()
    {
        var fields = SignedCache.Read(_good[_manifest]);
        (var parent, var key, var name) = Pick([.. Places(fields)]);
        if (random.Next(8) == 0 && parent is JsonObject owner)
        {
            owner.Remove((string)key);
            return Optional.Contains(name) ? null : Signed(fields, $"no {name}");
        }

        var value = Impossible();
        var before = key is int index ? parent[index] : parent[(string)key];
        string was = before?.ToJsonString() ?? "null", now = value?.ToJsonString() ?? "null";
        var text = value?.GetValueKind() == JsonValueKind.String && !now.Contains("@raw", StringComparison.Ordinal);
        var allowed = was == now || (value is null && name is "parent") || (text && FreeText.Contains(name));
        if (key is int i)
        {
            parent[i] = value;
        }
        else
        {
            parent[(string)key] = value;
        }

        return allowed ? null : Signed(fields, $"{name} = {now}, was {was[..Math.Min(40, was.Length)]}");
    }

    private string ManifestList()
    {
        var fields = SignedCache.Read(_good[_manifest]);
        var list = fields[random.Next(3) == 0 ? "ledger" : "shards"]!.AsArray();
        var at = random.Next(list.Count);
        switch (random.Next(4))
        {
            case 0:
                list.Add(list[at]!.DeepClone());
                return Signed(fields, $"entry {at} of {list.GetPropertyName()} twice");
            case 1:
                list.Insert(at, null);
                return Signed(fields, $"null in {list.GetPropertyName()}");
            case 2:
                list.Clear();
                list.Add(SignedCache.Raw("{\"path\": \"shards/main-000001.parquet\", \"path\": \"shards/main-000002.parquet\"}"));
                return Signed(fields, $"a field twice in {list.GetPropertyName()}");
            default:
                var copy = fields["shards"]![0]!.DeepClone();
                var other = "shards/copy-000001.parquet";
                copy["path"] = other;
                fields["shards"]!.AsArray().Add(copy);
                fields["clips"] = fields["clips"]!.GetValue<int>() + copy["rows"]!.GetValue<int>();
                File.Copy(_shards[0], Path.Combine(cache, other), overwrite: true);
                return Signed(fields, "a shard under two names");
        }
    }

    private string? IndexValue()
    {
        var shard = random.Next(_shards.Length);
        var ends = _ends[_shards[shard]];
        var row = random.Next(ends.Length);
        var field = Pick(IndexField.All);
        var value = field.Type == typeof(double) ? Pick<object>([double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e300, -1.0])
            : field.Type == typeof(int) ? Pick<object>([-1, int.MinValue, int.MaxValue, 0, 1 << 16, 1 << 30, random.Next()])
            : Pick<object>([-1L, long.MinValue, long.MaxValue, 0L, 1L << 40, random.NextInt64(), -random.NextInt64()]);
        var other = false;
        SignedCache.ChangeShard(cache, shard, (bytes, entry) =>
        {
            other = field.Set(bytes.AsSpan(0, entry["footer_offset"]!.GetValue<int>() + ends[row]), value);
            if (random.Next(2) == 0 && field.Name is "frames" or "mel")
            {
                entry[field.Name == "mel" ? "mel_offsets" : "offsets"]![row] = (long)value; // the liar says it twice
            }
        });
        return other ? $"{Name(_shards[shard])} row {row} index {field.Name} = {Convert.ToString(value, CultureInfo.InvariantCulture)}" : null;
    }

    // The row count, the texts and their lengths.
    private string? IndexText()
    {
        var shard = random.Next(_shards.Length);
        var ends = _ends[_shards[shard]];
        int row = random.Next(ends.Length), begin = row == 0 ? 8 : ends[row - 1], end = ends[row] - IndexField.All[0].BeforeEnd;
        var at = random.Next(begin, end);
        var value = Pick<byte>([0, 1, 0x7F, 0x80, 0xFF, (byte)random.Next(256)]);
        var other = false;
        SignedCache.ChangeShard(cache, shard, (bytes, entry) =>
        {
            ref var place = ref bytes[entry["footer_offset"]!.GetValue<int>() + at];
            other = place != value;
            place = value;
        });
        return other ? $"{Name(_shards[shard])} row {row} byte {at} of the index = {value}" : null;
    }

    private string Payload()
    {
        int shard = random.Next(_shards.Length), where = 0;
        SignedCache.ChangeShard(cache, shard, (bytes, entry) =>
        {
            var offsets = entry[random.Next(2) == 0 ? "offsets" : "mel_offsets"]!.AsArray();
            where = offsets[random.Next(offsets.Count)]!.GetValue<int>() + random.Next(16);
            bytes[where] ^= (byte)(1 << random.Next(8));
        });
        return $"{Name(_shards[shard])}: a bit of byte {where}, signed";
    }

    private string Footer()
    {
        int shard = random.Next(_shards.Length), kept = 0;
        SignedCache.ChangeShard(cache, shard, (bytes, entry) =>
        {
            var footer = entry["footer_offset"]!.GetValue<int>() + _ends[_shards[shard]][^1];
            kept = random.Next(3) * 4; // with the length of the footer and the four letters after it, or the letters alone, or neither
            random.NextBytes(bytes.AsSpan(footer, bytes.Length - footer - kept));
        });
        return $"{Name(_shards[shard])}: a footer of random bytes but the last {kept}, signed";
    }

    private string LedgerLine()
    {
        var file = Path.Combine(cache, "ledger", "main.jsonl");
        string[] bad =
        [
            "null", "[]", "{}", "{\"id\":\"\",\"state\":\"committed\"}", "{\"id\":null,\"state\":\"committed\"}",
            "{\"id\":\"x\",\"state\":7}", "{\"id\":\"x\",\"state\":\"eaten\"}", "\0\0\0",
            "{\"id\":\"x\",\"state\":\"failed\",\"attempts\":-1}", "{\"id\":\"x\",\"state\":\"failed\",\"warnings\":[null]}",
            "{\"id\":\"x\",\"id\":\"y\",\"state\":\"failed\"}", "{\"id\":\"\\ud800\",\"state\":\"failed\"}", "",
        ];
        string[] lines = [.. System.Text.Encoding.UTF8.GetString(_good[file]).Split('\n')];
        var at = random.Next(lines.Length - 1);
        lines[at] = Pick(bad);
        var text = System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines));
        File.WriteAllBytes(file, text);
        var fields = SignedCache.Read(_good[_manifest]);
        var part = fields["ledger"]![0]!;
        (part["bytes"], part["sha256"]) = (text.Length, Convert.ToHexStringLower(SHA256.HashData(text)));
        return Signed(fields, $"ledger line {at} = {lines[at]}");
    }

    private string Signed(JsonObject fields, string what)
    {
        File.WriteAllBytes(_manifest, SignedCache.Sign(fields));
        return $"{Name(_manifest)}: {what}, signed";
    }

    private JsonNode? Impossible() => random.Next(14) switch
    {
        0 => null,
        1 => -1,
        2 => int.MinValue,
        3 => int.MaxValue,
        4 => SignedCache.Raw("1e999"),
        5 => SignedCache.Raw("-1e308"),
        6 => SignedCache.Raw("9223372036854775807"),
        7 => SignedCache.Raw("123456789012345678901234567890"),
        8 => true,
        9 => new JsonArray(),
        10 => new JsonObject(),
        11 => new string('0', 63),
        _ => Pick(Paths),
    };

    private static IEnumerable<(JsonNode Parent, object Key, string Name)> Places(JsonNode node) => node switch
    {
        JsonObject fields => fields.SelectMany(f => Below(fields, f.Key, f.Key, f.Value)),
        JsonArray list => list.SelectMany((item, i) => Below(list, i, list.GetPropertyName(), item)),
        _ => [],
    };

    private static IEnumerable<(JsonNode Parent, object Key, string Name)> Below(JsonNode parent, object key, string name, JsonNode? value) =>
        [(parent, key, name), .. value is null ? [] : Places(value)];

    private T Pick<T>(IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];

    private string Name(string file) => Path.GetRelativePath(cache, file);
}
