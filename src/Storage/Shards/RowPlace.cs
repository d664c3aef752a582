namespace Xkd.Storage;

/// <summary>Byte offsets of a row's values in its shard.</summary>
internal readonly record struct RowPlace(long FrameCrc, long FrameOffsets, long Mel, long Pcm, long Frames)
{
    /// <summary>
    /// Places of a row group's values. A payload column holds nothing but values and their 4-byte lengths after its page header, so counting back
    /// from its end finds each without knowing how long the header is.
    /// </summary>
    /// <param name="rows">Rows of the row group.</param>
    /// <param name="mels">Mel bands.</param>
    /// <param name="end">Where each of the five columns ends.</param>
    public static RowPlace[] Of(IReadOnlyList<ShardRow> rows, int mels, RowPlace end)
    {
        var places = new RowPlace[rows.Count];
        for (var i = rows.Count - 1; i >= 0; i--)
        {
            var row = rows[i];
            places[i] = new RowPlace(
                end.FrameCrc - row.FrameCrc.Length,
                end.FrameOffsets - row.FrameOffsets.Length,
                end.Mel - row.MelBytes(mels),
                end.Pcm - row.PcmBytes,
                end.Frames - row.FramesBytes);
            end = new RowPlace(places[i].FrameCrc - 4, places[i].FrameOffsets - 4, places[i].Mel - 4, places[i].Pcm - 4, places[i].Frames - 4);
        }

        return places;
    }
}
