using System.Buffers.Binary;
using System.Text;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Tests.Weights;

public sealed class SafetensorsTests
{
    [Fact]
    public void Write_ThenOpen_GivesTheSameTensorsAndMetadata()
    {
        using var folder = new TemporaryFolder();
        WeightTensor[] tensors =
        [
            WeightTensor.FromFloats("a.weight", [2, 3], [1, 2, 3, 4, 5, float.NaN]),
            WeightTensor.FromInt64s("steps", [], [long.MinValue]),
            new("half", Dtypes.F16, [2], new byte[] { 0, 60, 0, 64 }),
            new("none", Dtypes.F32, [0, 4], ReadOnlyMemory<byte>.Empty),
        ];

        SafetensorsWriter.Write(folder.File("w.safetensors"), tensors, new Dictionary<string, string> { ["format"] = "pt" });

        using var file = SafetensorsFile.Open(folder.File("w.safetensors"));
        Assert.Equal(tensors.Select(t => t.Name), file.Entries.Keys);
        Assert.All(tensors, tensor =>
        {
            var read = file.Read(tensor.Name);
            Assert.Equal((tensor.Dtype, tensor.Shape.ToList(), tensor.Data.ToArray()), (read.Dtype, read.Shape.ToList(), read.Data.ToArray()), (x, y) =>
                x.Item1 == y.Item1 && x.Item2.SequenceEqual(y.Item2) && x.Item3.SequenceEqual(y.Item3));
        });
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([1f, 2f], file.Read("half").ToFloats());
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Write_DuplicateName_IsRefusedAndLeavesTheOldFile()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("w.safetensors");
        SafetensorsWriter.Write(path, [WeightTensor.FromFloats("a", [1], [7])]);

        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [WeightTensor.FromFloats("b", [1], [1]), WeightTensor.FromFloats("b", [1], [2])]));

        using var file = SafetensorsFile.Open(path);
        Assert.Equal([7f], file.Read("a").ToFloats());
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Open_AbsentFile_FailsNamingIt() =>
        Assert.Contains("/nowhere/w.safetensors", Assert.Throws<FailureException>(() => SafetensorsFile.Open("/nowhere/w.safetensors")).Message);

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "end at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "a: offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "a: offsets")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", 8, "Q4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "negative")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,8]}}""", 8, "header")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,8]}}""", 8, "header")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8, "data_offsets")]
    [InlineData("""{"a":5}""", 8, "header")]
    [InlineData("""[]""", 8, "header")]
    [InlineData("""{"a":""", 8, "header")]
    public void Open_InconsistentHeader_FailsSayingWhat(string header, int dataBytes, string expected)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("bad.safetensors");
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        File.WriteAllBytes(path, [.. length, .. Encoding.UTF8.GetBytes(header), .. new byte[dataBytes]]);

        var error = Assert.Throws<FailureException>(() => SafetensorsFile.Open(path));

        Assert.Contains(expected, error.Message);
        Assert.Contains(path, error.Message);
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(-1L)]
    [InlineData(4L << 30)]
    [InlineData(long.MaxValue)]
    [InlineData(17L)]
    public void Open_ImpossibleHeaderLength_FailsWithoutAllocatingIt(long claimed)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("bad.safetensors");
        var bytes = new byte[24];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, claimed);
        File.WriteAllBytes(path, bytes);

        Assert.Contains("claims", Assert.Throws<FailureException>(() => SafetensorsFile.Open(path)).Message);
    }

    [Fact]
    public void Read_FileCutAfterOpening_FailsNamingIt()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("w.safetensors");
        SafetensorsWriter.Write(path, [WeightTensor.FromFloats("a", [1000], new float[1000])]);
        using var file = SafetensorsFile.Open(path);
        using (var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            RandomAccess.SetLength(handle, 200);
        }

        Assert.Contains(path, Assert.Throws<FailureException>(() => file.Read("a")).Message);
    }
}
