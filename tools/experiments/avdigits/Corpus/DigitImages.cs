using System.Buffers.Binary;
using System.IO.Compression;
using SkiaSharp;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary>
/// Handwritten digits, 28×28 gray levels, white on black: MNIST, either as the four IDX files it is published as (<c>train-images-idx3-ubyte</c>, …,
/// also <c>.gz</c>) or as pictures in <c>{training,train}/D/*</c> and <c>{testing,test}/D/*</c>.
/// </summary>
internal sealed class DigitImages
{
    public const int Side = 28, Digits = 10;
    private const int ImagesMagic = 0x803, LabelsMagic = 0x801;
    private readonly List<byte[]>[] _images;

    private DigitImages(List<byte[]>[] images) => _images = images;

    /// <summary>Pictures of a digit, [28, 28] each.</summary>
    public IReadOnlyList<byte[]> Of(int digit) => _images[digit];

    /// <summary>Reads one side of the split.</summary>
    /// <exception cref="UsageException">The folder holds neither form, or lacks a digit.</exception>
    /// <exception cref="FailureException">A file is damaged.</exception>
    public static DigitImages Read(string folder, bool validation)
    {
        var images = Enumerable.Range(0, Digits).Select(_ => new List<byte[]>()).ToArray();
        var (idx, names) = validation ? ("t10k", new[] { "testing", "test" }) : ("train", new[] { "training", "train" });
        if (Find(folder, $"{idx}-images-idx3-ubyte", $"{idx}-images.idx3-ubyte") is { } pictures && Find(folder, $"{idx}-labels-idx1-ubyte", $"{idx}-labels.idx1-ubyte") is { } labels)
        {
            ReadIdx(pictures, labels, images);
        }
        else if (names.Select(n => Path.Combine(folder, n)).FirstOrDefault(Directory.Exists) is { } root)
        {
            ReadPictures(root, images);
        }
        else
        {
            throw new UsageException($"{folder} holds no MNIST: neither {idx}-images-idx3-ubyte and {idx}-labels-idx1-ubyte (or .gz) nor a folder {names[0]} or {names[1]} of folders 0 to 9");
        }

        var absent = Array.FindIndex(images, i => i.Count == 0);
        return absent < 0 ? new DigitImages(images) : throw new UsageException($"{folder} has no {names[1]} picture of the digit {absent}");
    }

    private static string? Find(string folder, params string[] names) =>
        names.SelectMany(n => new[] { n, n + ".gz" }).Select(n => Path.Combine(folder, n)).FirstOrDefault(File.Exists);

    private static void ReadIdx(string pictures, string labels, List<byte[]>[] images)
    {
        var (pixels, labelled) = (Content(pictures), Content(labels));
        const int ImagesHead = 16, LabelsHead = 8;
        if (pixels.Length < ImagesHead || labelled.Length < LabelsHead || Big(pixels, 0) != ImagesMagic || Big(labelled, 0) != LabelsMagic)
        {
            throw new FailureException($"{pictures} and {labels}: not IDX files of images and labels; fetch them again");
        }

        var count = Big(pixels, 4);
        if (Big(labelled, 4) != count || Big(pixels, 8) != Side || Big(pixels, 12) != Side || pixels.Length != ImagesHead + ((long)count * Side * Side) || labelled.Length != LabelsHead + count)
        {
            throw new FailureException($"{pictures}: {count} images of {Big(pixels, 8)}×{Big(pixels, 12)} in {pixels.Length} bytes, {Big(labelled, 4)} labels in {labelled.Length} bytes; fetch them again");
        }

        for (var i = 0; i < count; i++)
        {
            var digit = labelled[LabelsHead + i];
            if (digit >= Digits)
            {
                throw new FailureException($"{labels}: label {i} is {digit}, not a digit; fetch the file again");
            }

            images[digit].Add(pixels[(ImagesHead + (i * Side * Side))..(ImagesHead + ((i + 1) * Side * Side))]);
        }
    }

    private static void ReadPictures(string root, List<byte[]>[] images)
    {
        for (var digit = 0; digit < Digits; digit++)
        {
            var folder = Path.Combine(root, $"{digit}");
            if (!Directory.Exists(folder))
            {
                continue;
            }

            foreach (var file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
            {
                using var bitmap = SKBitmap.Decode(file) ?? throw new FailureException($"{file} is no picture; fetch it again");
                if (bitmap.Width != Side || bitmap.Height != Side)
                {
                    throw new FailureException($"{file} is {bitmap.Width}×{bitmap.Height}; MNIST's pictures are {Side}×{Side}");
                }

                images[digit].Add([.. bitmap.Pixels.Select(p => p.Red)]);
            }
        }
    }

    private static byte[] Content(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (!path.EndsWith(".gz", StringComparison.Ordinal))
        {
            return bytes;
        }

        using MemoryStream whole = new();
        try
        {
            using GZipStream gzip = new(new MemoryStream(bytes), CompressionMode.Decompress);
            gzip.CopyTo(whole);
        }
        catch (InvalidDataException e)
        {
            throw new FailureException($"{path}: {e.Message}; fetch it again", e);
        }

        return whole.ToArray();
    }

    private static int Big(byte[] bytes, int at) => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));
}
