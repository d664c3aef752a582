using System.Numerics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Tensorboard;
using Xkd.Model.Method;

namespace Xkd.Model.Tests.Training;

public sealed class TensorBoardLogTests
{
    private const string SessionStart = "_hparams_/session_start_info";

    [Fact]
    public async Task RunAsync_WithEvents_HoldsHyperParametersAndScalarsWithTheirTimes()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var config = SmallRun.Config() with { Train = SmallRun.Config().Train with { Tensorboard = true, ImagesEvery = 2 } };
        await small.TrainAsync(config, "run", 4);
        var file = Assert.Single(Directory.GetFiles(small.Run("run"), "events.out.tfevents.*", SearchOption.AllDirectories));
        var events = Read(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).ToList();

        Assert.Equal("brain.Event:2", events[0].FileVersion);
        var start = Assert.Single(events.SelectMany(e => e.Summary?.Value ?? []), value => value.Tag == SessionStart);
        Assert.Equal("hparams", start.Metadata.PluginData.PluginName);
        Assert.Equal((DataClass.Tensor, DataType.DtFloat), (start.Metadata.DataClass, start.Tensor.Dtype));
        Assert.Equal(0, Assert.Single(start.Tensor.TensorShape.Dim).Size);
        var values = HyperParameters(start.Metadata.PluginData.Content);
        Assert.Equal(ConfigBinder.Leaves(config).Select(leaf => leaf.Key).Order(StringComparer.Ordinal), values.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(0.003, values["optim.lr"].NumberValue);
        Assert.True(values["train.tensorboard"].BoolValue);
        Assert.Equal("stop", values["train.on_full_disk"].StringValue);

        foreach (var step in small.Metrics("run"))
        {
            var scalars = Assert.Single(events, e => e.Step == step.Step && e.Summary.Value[0].ValueCase == Summary.Types.Value.ValueOneofCase.SimpleValue);
            Assert.Equal(step.Time / 1000.0, scalars.WallTime);
            Assert.Equal((float)step.Loss, Assert.Single(scalars.Summary.Value, value => value.Tag == "train/loss").SimpleValue);
            Assert.Equal((float)step.Ms, Assert.Single(scalars.Summary.Value, value => value.Tag == "run/ms").SimpleValue);
        }

        Assert.Equal([2L, 2, 4, 4], events.Where(e => e.Summary?.Value[0].Image is not null).Select(e => e.Step));
    }

    [Fact]
    public void Read_RecordWithAWrongByte_IsSeen()
    {
        Assert.Equal(0xE3069283, Crc("123456789"u8)); // the check value of CRC-32C
        var record = Record(new Event { Step = 7 });
        Assert.Equal(7, Assert.Single(Read(record)).Step);
        foreach (var at in new[] { 0, 9, 13, record.Length - 1 })
        {
            byte[] damaged = [.. record];
            damaged[at] ^= 1;
            Assert.ThrowsAny<Exception>(() => Read(damaged).Count());
        }
    }

    private static byte[] Record(Event item)
    {
        var (data, length) = (item.ToByteArray(), BitConverter.GetBytes((ulong)item.CalculateSize()));
        return [.. length, .. BitConverter.GetBytes(Masked(length)), .. data, .. BitConverter.GetBytes(Masked(data))];
    }

    private static IEnumerable<Event> Read(byte[] file)
    {
        for (var at = 0; at < file.Length;)
        {
            var length = checked((int)BitConverter.ToUInt64(file, at));
            Assert.Equal(Masked(file.AsSpan(at, 8)), BitConverter.ToUInt32(file, at + 8));
            Assert.Equal(Masked(file.AsSpan(at + 12, length)), BitConverter.ToUInt32(file, at + 12 + length));
            yield return Event.Parser.ParseFrom(file, at + 12, length);
            at += length + 16;
        }
    }

    // HParamsPluginData { SessionStartInfo session_start_info = 3 { map<string, Value> hparams = 1 } }
    private static Dictionary<string, Value> HyperParameters(ByteString content)
    {
        var data = content.CreateCodedInput();
        Assert.Equal(WireFormat.MakeTag(3, WireFormat.WireType.LengthDelimited), data.ReadTag());
        var session = data.ReadBytes().CreateCodedInput();
        Assert.True(data.IsAtEnd);
        Dictionary<string, Value> values = new(StringComparer.Ordinal);
        while (session.ReadTag() is not 0 and var tag)
        {
            Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), tag);
            var entry = session.ReadBytes().CreateCodedInput();
            Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), entry.ReadTag());
            var key = entry.ReadString();
            Assert.Equal(WireFormat.MakeTag(2, WireFormat.WireType.LengthDelimited), entry.ReadTag());
            values.Add(key, Value.Parser.ParseFrom(entry.ReadBytes()));
        }

        return values;
    }

    private static uint Masked(ReadOnlySpan<byte> data) => BitOperations.RotateRight(Crc(data), 15) + 0xa282ead8;

    // Bit by bit, as the polynomial says: not by what the writer uses.
    private static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78);
            }
        }

        return ~crc;
    }
}
