using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>Writes clips as the columns of a row group, in the schema's order.</summary>
internal static class ShardColumns
{
    /// <param name="group">The row group to fill.</param>
    /// <param name="clips">Its rows.</param>
    /// <param name="written">Called after each column.</param>
    public static async Task WriteAsync(ParquetRowGroupWriter group, IReadOnlyList<StagedClip> clips, Action written)
    {
        ShardRow[] rows = [.. clips.Select(c => c.Row)];
        await TextsAsync(ShardSchema.Id, r => r.Id);
        await TextsAsync(ShardSchema.Source, r => r.Source);
        await TextsAsync(ShardSchema.Label, r => r.Label);
        await ListsAsync(ShardSchema.LabelsItem, r => r.Labels);
        await TextsAsync(ShardSchema.Split, r => r.Split);
        await ListsAsync(ShardSchema.FoldsItem, r => r.Folds);
        await NumbersAsync(ShardSchema.Start, r => r.Start);
        await NumbersAsync(ShardSchema.Duration, r => r.Duration);
        await NumbersAsync(ShardSchema.Fps, r => r.Fps);
        await NumbersAsync(ShardSchema.Width, r => r.Width);
        await NumbersAsync(ShardSchema.Height, r => r.Height);
        await NumbersAsync(ShardSchema.NumFrames, r => r.NumFrames);
        await NumbersAsync(ShardSchema.MelFrames, r => r.MelFrames);
        await NumbersAsync(ShardSchema.NumSamples, r => r.NumSamples);
        await NumbersAsync(ShardSchema.AudioRate, r => r.AudioRate);
        await NumbersAsync(ShardSchema.MelCrc, r => r.MelCrc);
        await NumbersAsync(ShardSchema.PcmCrc, r => r.PcmCrc);
        await NumbersAsync(ShardSchema.Crc, r => r.Crc);
        await BytesAsync(ShardSchema.FrameCrc, c => c.Row.FrameCrc);
        await BytesAsync(ShardSchema.FrameOffsets, c => c.Row.FrameOffsets);
        await BytesAsync(ShardSchema.Mel, c => c.Mel);
        await BytesAsync(ShardSchema.Pcm, c => c.Pcm);
        await BytesAsync(ShardSchema.Frames, c => c.Frames);

        async Task TextsAsync(DataField field, Func<ShardRow, string?> value)
        {
            await group.WriteAsync(field, [.. rows.Select(value)]);
            written();
        }

        async Task NumbersAsync<T>(DataField field, Func<ShardRow, T> value)
            where T : struct
        {
            await group.WriteAsync<T>(field, rows.Select(value).ToArray().AsMemory());
            written();
        }

        async Task BytesAsync(DataField field, Func<StagedClip, ReadOnlyMemory<byte>> value)
        {
            await group.WriteAsync<ReadOnlyMemory<byte>>(field, clips.Select(value).ToArray().AsMemory());
            written();
        }

        async Task ListsAsync(DataField field, Func<ShardRow, IReadOnlyList<string>> value)
        {
            // Dremel levels of an optional list of required texts: definition 1 is an empty list, 2 a text; repetition 0 begins a row.
            List<ReadOnlyMemory<char>> texts = [];
            List<int> definitions = [];
            List<int> repetitions = [];
            foreach (var list in rows.Select(value))
            {
                texts.AddRange(list.Select(t => t.AsMemory()));
                definitions.AddRange(list.Count == 0 ? [1] : Enumerable.Repeat(2, list.Count));
                repetitions.AddRange(list.Count == 0 ? [0] : Enumerable.Range(0, list.Count).Select(i => Math.Min(i, 1)));
            }

            await group.WriteAllPartsAsync<ReadOnlyMemory<char>>(field, texts.ToArray(), definitions.ToArray(), repetitions.ToArray(), CancellationToken.None);
            written();
        }
    }
}
