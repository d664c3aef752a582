using System.Text.Json;
using System.Text.Json.Serialization;

namespace Xkd.Model.Distributed;

/// <summary>A line between two ranks that watch each other.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Rank">Whom it is about.</param>
/// <param name="Text">Hello: the token of the run; end: the cause.</param>
/// <param name="Process">Hello: process and machine, for people.</param>
/// <param name="ExitCode">End: what all ranks are to exit with.</param>
internal sealed record WatchMessage(WatchMessageKind Kind, int Rank, string Text = "", string Process = "", int ExitCode = 0)
{
    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    /// <summary>One line, without its end.</summary>
    public string Format() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads a line; null for what is none.</summary>
    public static WatchMessage? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<WatchMessage>(line, Json);
        }
        catch (JsonException)
        {
            return null; // somebody else's program on our port
        }
    }
}
