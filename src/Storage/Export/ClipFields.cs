using System.Globalization;
using System.Text.Json;

namespace Xkd.Storage;

/// <summary>What others are told of clips: the columns that say what a clip is, none that says where it lies, and those that were added.</summary>
/// <param name="clips">All clips of the cache, which know what was added.</param>
public sealed class ClipFields(IReadOnlyList<ClipEntry> clips)
{
    /// <summary>The columns of the index that are told.</summary>
    public static IReadOnlyList<string> OfIndex { get; } =
        ["id", "label", "labels", "split", "folds", "start", "duration", "fps", "width", "height", "num_frames", "mel_frames", "num_samples", "audio_rate"];

    private readonly (string Name, Func<ClipEntry, object?> Get)[] _fields =
        [.. OfIndex.Concat(AddedTo(clips)).Select(name => (name, ClipColumns.Find(name, clips)!))];

    /// <summary>Their names, in order.</summary>
    public IReadOnlyList<string> Names => Array.ConvertAll(_fields, f => f.Name);

    /// <summary>Names of the added ones.</summary>
    public IEnumerable<string> Added => Names.Skip(OfIndex.Count);

    /// <summary>Writes a clip as a JSON object.</summary>
    public void Write(Utf8JsonWriter json, ClipEntry clip)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        foreach (var (name, get) in _fields)
        {
            json.WritePropertyName(name);
            Write(json, get(clip));
        }

        json.WriteEndObject();
    }

    internal static IEnumerable<string> AddedTo(IReadOnlyList<ClipEntry> clips) => clips.Count == 0 ? [] : clips[0].Added.Keys;

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case IReadOnlyList<string> texts:
                json.WriteStartArray();
                foreach (var text in texts)
                {
                    json.WriteStringValue(text);
                }

                json.WriteEndArray();
                break;
            case float or double when !double.IsFinite(Convert.ToDouble(value, CultureInfo.InvariantCulture)):
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture)); // JSON has no number for it
                break;
            default:
                json.WriteRawValue(Convert.ToString(value, CultureInfo.InvariantCulture)!);
                break;
        }
    }
}
