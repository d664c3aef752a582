namespace Xkd.Storage.Tests;

/// <summary>A number of a row in a shard's row index, by its place: all numbers of a row are at its end and have fixed lengths.</summary>
/// <param name="Name">Its column.</param>
/// <param name="BeforeEnd">Bytes from its first to the row's end.</param>
/// <param name="Type">Its type.</param>
internal sealed record IndexField(string Name, int BeforeEnd, Type Type)
{
    private static readonly (string Name, Type Type)[] Order =
    [
        ("start", typeof(double)), ("duration", typeof(double)), ("fps", typeof(double)), ("width", typeof(int)), ("height", typeof(int)), ("num_frames", typeof(int)), ("mel_frames", typeof(int)),
        ("num_samples", typeof(int)), ("audio_rate", typeof(int)), ("mel_crc", typeof(int)), ("pcm_crc", typeof(int)), ("frames_bytes", typeof(int)),
        ("frame_crc", typeof(long)), ("frame_offsets", typeof(long)), ("mel", typeof(long)), ("pcm", typeof(long)), ("frames", typeof(long)),
    ];

    public static IReadOnlyList<IndexField> All { get; } =
        [.. Order.Select((field, i) => new IndexField(field.Name, Order[i..].Sum(f => Bytes(f.Type)), field.Type))];

    /// <summary>Where each row of an index ends, counted from the index's beginning.</summary>
    public static int[] RowEnds(string shard, int mels)
    {
        using var file = ShardFile.OpenAsync(shard).GetAwaiter().GetResult();
        List<ShardRow> rows = [];
        List<RowPlace> places = [];
        for (var group = 0; group < file.Groups.Count; group++)
        {
            var read = file.ReadRowsAsync(group).GetAwaiter().GetResult();
            places.AddRange(file.Locate(group, read, mels));
            rows.AddRange(read);
        }

        return [.. Enumerable.Range(1, rows.Count).Select(count =>
        {
            using MemoryStream index = new();
            RowIndex.Write(index, rows[..count], places);
            return (int)index.Length;
        })];
    }

    /// <summary>Puts a value in its place.</summary>
    /// <param name="row">The bytes up to the row's end.</param>
    /// <param name="value">Anything that becomes the field's type.</param>
    /// <returns>Whether it is another value than before.</returns>
    public bool Set(Span<byte> row, object value)
    {
        var place = row[^BeforeEnd..][..Bytes(Type)];
        var bytes = value switch
        {
            double number => BitConverter.GetBytes(number),
            int number => BitConverter.GetBytes(number),
            long number => BitConverter.GetBytes(number),
            _ => throw new ArgumentException($"{value} is no number of an index", nameof(value)),
        };
        var other = !place.SequenceEqual(bytes);
        bytes.CopyTo(place);
        return other;
    }

    private static int Bytes(Type type) => type == typeof(int) ? 4 : 8;
}
