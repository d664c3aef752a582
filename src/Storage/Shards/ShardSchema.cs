using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>
/// The columns of a shard. Small ones come first, so that listing a cache's clips reads one short stretch per row group; payload columns are
/// required, PLAIN, uncompressed and without dictionary, so that each value lies in the file as it is, after its 4-byte length.
/// </summary>
internal static class ShardSchema
{
    /// <summary>Key of the Parquet file's metadata that says which checksum the crc columns hold.</summary>
    public const string ChecksumKey = "xkd.checksum";

    /// <summary>Key of the Parquet file's metadata with the CRC-32C of each column chunk: row groups separated by <c>;</c>, columns by <c>,</c>, hex.</summary>
    public const string ChunksKey = "xkd.chunk_crc";

    public static readonly DataField<string> Id = new("id", false);
    public static readonly DataField<string> Source = new("source", false);
    public static readonly DataField<string> Label = new("label", true);
    public static readonly DataField<string> LabelsItem = new(ListField.ElementName, false);
    public static readonly DataField<string> Split = new("split", true);
    public static readonly DataField<string> FoldsItem = new(ListField.ElementName, false);
    public static readonly DataField<double> Start = new("start");
    public static readonly DataField<double> Duration = new("duration");
    public static readonly DataField<double> Fps = new("fps");
    public static readonly DataField<int> Width = new("width");
    public static readonly DataField<int> Height = new("height");
    public static readonly DataField<int> NumFrames = new("num_frames");
    public static readonly DataField<int> MelFrames = new("mel_frames");
    public static readonly DataField<int> NumSamples = new("num_samples");
    public static readonly DataField<int> AudioRate = new("audio_rate");
    public static readonly DataField<uint> MelCrc = new("mel_crc");
    public static readonly DataField<uint> PcmCrc = new("pcm_crc");
    public static readonly DataField<uint> Crc = new("crc");
    public static readonly DataField<byte[]> FrameCrc = new("frame_crc", false);
    public static readonly DataField<byte[]> FrameOffsets = new("frame_offsets", false);
    public static readonly DataField<byte[]> Mel = new("mel", false);
    public static readonly DataField<byte[]> Pcm = new("pcm", false);
    public static readonly DataField<byte[]> Frames = new("frames", false);

    public static readonly ParquetSchema Schema = new(
        Id, Source, Label, new ListField("labels", LabelsItem), Split, new ListField("folds", FoldsItem), Start, Duration, Fps, Width, Height,
        NumFrames, MelFrames, NumSamples, AudioRate, MelCrc, PcmCrc, Crc, FrameCrc, FrameOffsets, Mel, Pcm, Frames);

    /// <summary>Column names in file order: a list's is the list's own.</summary>
    public static readonly IReadOnlyList<string> Columns = [.. Schema.DataFields.Select(f => f.Path.FirstPart!)];

    public static ParquetOptions Options => new() { CompressionMethod = CompressionMethod.None };
}
