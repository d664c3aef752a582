using System.Globalization;
using Xkd.Pipeline;

namespace Xkd.Model.Evaluation;

/// <summary>Teachers' attention over the frames and the spectrogram that they saw, as PNG.</summary>
public static class TeacherMapPictures
{
    private const int MostColumns = 8;

    // Smaller frames have no room for their captions.
    private const int ReadableSize = 96;

    /// <summary>
    /// Writes <c>attention-frames.png</c> (the middle frame of each cuboid with its time: plain, class attention, refined) and
    /// <c>attention-spectrogram.png</c> (the same of the spectrogram), as far as the clip has them, and returns their paths. Each map is coloured from its own
    /// minimum to its own maximum.
    /// </summary>
    /// <exception cref="Xkd.Storage.UsageException">The folder cannot be written.</exception>
    /// <exception cref="Xkd.Storage.FailureException">The disk failed, or is full.</exception>
    public static IReadOnlyList<string> Write(TeacherMaps maps, string folder)
    {
        ArgumentNullException.ThrowIfNull(maps);
        PictureFolder.Make(folder);
        List<string> written = [];
        if (maps.Video is { } video)
        {
            written.Add(PictureFolder.Save(folder, "attention-frames.png", Frames(maps, video)));
        }

        if (maps.Audio is { } audio)
        {
            written.Add(PictureFolder.Save(folder, "attention-spectrogram.png", Spectrogram(maps, audio)));
        }

        return written;
    }

    private static byte[] Frames(TeacherMaps maps, AttentionMap map)
    {
        int frameBytes = maps.Size * maps.Size * 3, each = maps.Frames.Length / frameBytes / map.Time, cells = map.Rows * map.Columns;
        List<IReadOnlyList<(byte[], string)>> rows = [];
        foreach (var steps in Enumerable.Range(0, map.Time).Chunk(MostColumns))
        {
            rows.Add([.. steps.Select(step => (Frame(step).ToArray(), Time(step)))]);
            foreach ((var name, var values) in Named(map))
            {
                (var low, var high) = FramePictures.Extremes(values);
                byte[] Attended(int step) =>
                    FramePictures.Attended(Frame(step), maps.Size, maps.Size, values.AsSpan(step * cells, cells), map.Rows, map.Columns, low, high);
                rows.Add([.. steps.Select(step => (Attended(step), name))]);
            }
        }

        return FramePictures.ContactSheet(rows, maps.Size, maps.Size, scale: maps.Size < ReadableSize ? 2 : 1);

        int Middle(int step) => (step * each) + (each / 2);

        string Time(int step) => (maps.Start + (Middle(step) / maps.Fps)).ToString("0.00 s", CultureInfo.InvariantCulture);

        ReadOnlySpan<byte> Frame(int step) => maps.Frames.AsSpan(Middle(step) * frameBytes, frameBytes);
    }

    private static byte[] Spectrogram(TeacherMaps maps, AttentionMap map)
    {
        var frames = maps.Mel.Length / maps.Mels;
        var plain = FramePictures.SpectrogramPixels(maps.Mel, maps.Mels, frames);
        List<IReadOnlyList<(byte[], string)>> rows = [[(plain, string.Create(CultureInfo.InvariantCulture, $"log-mel from {maps.Start:0.00} s on"))]];
        foreach ((var name, var values) in Named(map))
        {
            // The picture has its highest band first, the map its lowest.
            float[] upright = [.. Enumerable.Range(0, map.Rows).Reverse().SelectMany(row => values.AsSpan(row * map.Columns, map.Columns).ToArray())];
            (var low, var high) = FramePictures.Extremes(values);
            rows.Add([(FramePictures.Attended(plain, frames, maps.Mels, upright, map.Rows, map.Columns, low, high), name)]);
        }

        return FramePictures.ContactSheet(rows, frames, maps.Mels, scale: 2);
    }

    private static IEnumerable<(string Name, float[] Values)> Named(AttentionMap map)
    {
        yield return ("class attention", map.Attention);
        if (map.Refined is not null)
        {
            yield return ("refined", map.Refined);
        }
    }
}
