using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Xkd.Storage.Tests;

/// <summary>
/// Damage to a cache, made up from a seed: bytes flipped and cut off; and manifests, ledgers, row indexes and shards with impossible values that are signed anew, so
/// that no checksum tells. The cache must have several versions; the newest is what is damaged.
/// </summary>
/// <param name="cache">The folder.</param>
/// <param name="random">Chooses.</param>
internal sealed class CacheDamage(string cache, Random random)
{
    private static readonly string[] FreeText = ["created", "decoder", "name", "mel_backend", "dataset", "root", "split", "annotations", "modalities"];
    private static readonly string[] Optional = ["parent", "checksum", "origins", "frame_rule", "mel_backend", "removals", "level", "shards"];
    private static readonly string[] Paths =
    [
        "", "/etc/passwd", "../x", "shards/../../x-000001.parquet", "shards/a-000001.parquet\0", "shards\\a-000001.parquet", "shards/a-000001.parquet\n", "s3://b/c",
    ];

    private readonly Dictionary<string, byte[]> _good = Directory.GetFiles(cache, "*", SearchOption.AllDirectories).ToDictionary(f => f, File.ReadAllBytes);
    private readonly string _manifest = Directory.GetFiles(Path.Combine(cache, "manifest")).Order(StringComparer.Ordinal).Last();
    private readonly string[] _shards = [.. Directory.GetFiles(Path.Combine(cache, "shards")).Order(StringComparer.Ordinal)];
    private readonly string[] _files = [.. new[] { "index", "ledger" }.SelectMany(folder => Directory.GetFiles(Path.Combine(cache, folder))).Order(StringComparer.Ordinal)];
    private readonly int _segments = Directory.GetFiles(Path.Combine(cache, "ledger")).Length;

    private Func<string?>[] Kinds => [Flipped, Cut, ManifestValue, ManifestValue, ManifestList, IndexValue, IndexValue, IndexShard, IndexBytes, IndexBytes, Payload, LedgerLine];

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
        var file = Pick([_manifest, .. _shards, .. _files]);
        byte[] bytes = [.. _good[file]];
        int at = random.Next(bytes.Length), bit = random.Next(8);
        bytes[at] ^= (byte)(1 << bit);
        File.WriteAllBytes(file, bytes);
        return $"{Name(file)}: bit {bit} of byte {at}";
    }

    private string Cut()
    {
        var file = Pick([_manifest, .. _shards, .. _files]);
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
        var list = fields[random.Next(3) == 0 ? "parts" : "segments"]!.AsArray();
        var at = random.Next(list.Count);
        switch (random.Next(3))
        {
            case 0:
                list.Add(list[at]!.DeepClone());
                return Signed(fields, $"entry {at} of {list.GetPropertyName()} twice");
            case 1:
                list.Insert(at, null);
                return Signed(fields, $"null in {list.GetPropertyName()}");
            default:
                list.Clear();
                list.Add(SignedCache.Raw("{\"name\": \"a\", \"name\": \"b\"}"));
                return Signed(fields, $"a field twice in {list.GetPropertyName()}");
        }
    }

    private int Indexed() => Pick([.. Enumerable.Range(0, _segments).Where(i => SignedCache.Read(_good[_manifest])["segments"]![i]!["index"] is not null)]);

    private string? IndexValue()
    {
        var done = "";
        string[] columns = ["start", "duration", "fps", "width", "height", "num_frames", "mel_frames", "num_samples", "audio_rate", "row", "frames_bytes", "frames_offset", "frame_hash_offset", "mel_offset", "pcm_offset",
            "mel_hash", "pcm_hash", "shard_path", "id"];
        SignedCache.ChangeIndex(cache, Indexed(), (rows, _) =>
        {
            var at = random.Next(rows.Count);
            var column = Pick(columns);
            var type = SignedCache.TypeOf(column);
            var value = type == typeof(double) ? Pick<object>([double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e300, -1.0])
                : type == typeof(int) ? Pick<object>([-1, int.MinValue, int.MaxValue, 0, 1 << 16, 1 << 30, random.Next()])
                : type == typeof(string) ? (column == "id" ? "" : Pick<object>(["../x", "", "shards/none-000001.parquet"]))
                : type == typeof(ulong) ? (ulong)random.NextInt64()
                : Pick<object>([-1L, long.MinValue, long.MaxValue, 1L << 40, random.NextInt64(), -random.NextInt64()]);
            var changed = SignedCache.With(rows[at], column, value);
            done = changed == rows[at] ? "" : $"row {at} {column} = {Convert.ToString(value, CultureInfo.InvariantCulture)}";
            rows[at] = changed;
        });
        return done.Length > 0 ? $"index: {done}, signed" : null;
    }

    private string IndexShard()
    {
        var done = "";
        SignedCache.ChangeIndex(cache, Indexed(), (_, shards) =>
        {
            var at = random.Next(shards.Count);
            switch (random.Next(5))
            {
                case 0:
                    shards[at] = shards[at] with { Path = Pick(Paths) };
                    break;
                case 1:
                    shards[at] = shards[at] with { Rows = Pick([0, -1, int.MaxValue, int.MinValue]) };
                    break;
                case 2:
                    shards[at] = shards[at] with { Bytes = Pick([0, -1, long.MaxValue, shards[at].Bytes + 1]) };
                    break;
                case 3:
                    shards[at] = shards[at] with { Sha256 = Pick(["", "/victim/important", new string('0', 64)]) };
                    break;
                default:
                    shards.Add(shards[at]);
                    break;
            }

            done = $"shard {at} becomes {string.Join(' ', shards)}";
        });
        return $"index: {done}, signed";
    }

    // A few bytes anywhere in the Parquet file: its pages, its lengths, its footer.
    private string IndexBytes()
    {
        var done = "";
        SignedCache.ChangeFile(cache, Indexed(), "index", bytes =>
        {
            int at = random.Next(2) == 0 ? random.Next(bytes.Length) : bytes.Length - 1 - random.Next(Math.Min(bytes.Length, 4000)), count = 1 + random.Next(8);
            if (random.Next(8) == 0)
            {
                done = $"{at} bytes of {bytes.Length}";
                return bytes[..at];
            }

            random.NextBytes(bytes.AsSpan(at, Math.Min(count, bytes.Length - at)));
            done = $"{count} random bytes from {at} of {bytes.Length}";
            return bytes;
        });
        return $"index: {done}, signed";
    }

    private string Payload()
    {
        var where = 0L;
        SignedCache.ChangeShard(cache, Indexed(), 0, (bytes, rows) =>
        {
            var row = Pick(rows);
            where = (random.Next(2) == 0 ? row.FramesOffset : row.MelOffset) + random.Next(16);
            bytes[where] ^= (byte)(1 << random.Next(8));
        });
        return $"a bit of byte {where} of a shard, signed";
    }

    private string LedgerLine()
    {
        string[] bad =
        [
            "null", "[]", "{}", "{\"id\":\"\",\"state\":\"committed\"}", "{\"id\":null,\"state\":\"committed\"}",
            "{\"id\":\"x\",\"state\":7}", "{\"id\":\"x\",\"state\":\"eaten\"}", "\0\0\0",
            "{\"id\":\"x\",\"state\":\"failed\",\"attempts\":-1}", "{\"id\":\"x\",\"state\":\"failed\",\"warnings\":[null]}",
            "{\"id\":\"x\",\"id\":\"y\",\"state\":\"failed\"}", "{\"id\":\"\\ud800\",\"state\":\"failed\"}", "",
        ];
        var done = "";
        SignedCache.ChangeFile(cache, random.Next(_segments), "ledger", bytes =>
        {
            string[] lines = [.. System.Text.Encoding.UTF8.GetString(bytes).Split('\n')];
            var at = random.Next(lines.Length - 1);
            lines[at] = Pick(bad);
            done = $"line {at} = {lines[at]}";
            return System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines));
        });
        return $"ledger: {done}, signed";
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
