using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Tensorboard;
using Xkd.Model.Method;
using Xkd.Model.Weights;
using Xkd.Pipeline;

namespace Xkd.Model.Training;

/// <summary>
/// The run's configuration, scalars and pictures as TensorBoard events, a file for each start. Written here: TorchSharp's writer has no hyper-parameters and no
/// times, and opens its file for every number.
/// </summary>
internal sealed class TensorBoardLog(string folder, PretrainConfig config, TimeProvider time) : IDisposable
{
    private const int MostFrames = 8;

    private FileStream? _file;

    /// <exception cref="FullDiskException">There is no room; the events are left out.</exception>
    public void Append(IEnumerable<StepMetrics> steps) => Write(steps.Select(step => new Event
    {
        Step = step.Step,
        WallTime = step.Time / 1000.0,
        Summary = new Summary
        {
            Value =
            {
                step.Values.Where(value => value.Key is not ("step" or "epoch" or "position"))
                    .Select(value => (Part: step.Scalars.ContainsKey(value.Key) ? "train" : "run", Name: value.Key, value.Value))
                    .Select(value => new Summary.Types.Value { Tag = $"{value.Part}/{value.Name}", SimpleValue = (float)value.Value }),
            },
        },
    }));

    /// <summary>The clip, what its masks leave of it and what the decoders make of the rest, one above the other: some frames, and the spectrogram.</summary>
    /// <exception cref="FullDiskException">There is no room; the events are left out.</exception>
    public void Append(long step, MaskedReconstruction picture)
    {
        int rowBytes = picture.Size * 3, shown = Math.Min(MostFrames, picture.Frames);
        var frames = new byte[3 * picture.Size * shown * rowBytes];
        var at = 0;
        foreach (var rgb in new[] { picture.Original, picture.Visible, picture.Reconstructed })
        {
            for (var row = 0; row < picture.Size; row++)
            {
                for (var i = 0; i < shown; i++, at += rowBytes)
                {
                    var frame = i * picture.Frames / shown;
                    rgb.AsSpan(((frame * picture.Size) + row) * rowBytes, rowBytes).CopyTo(frames.AsSpan(at));
                }
            }
        }

        float low = picture.OriginalMel.Min(), high = picture.OriginalMel.Max();
        byte[] spectrograms = [.. new[] { picture.OriginalMel, picture.VisibleMel, picture.ReconstructedMel }
            .SelectMany(mel => FramePictures.SpectrogramPixels(mel, picture.Mels, picture.MelFrames, low, high))];
        Write(
        [
            Image("masked/frames", frames, 3 * picture.Size, shown * picture.Size),
            Image("masked/spectrogram", spectrograms, 3 * picture.Mels, picture.MelFrames),
        ]);

        Event Image(string tag, byte[] rgb, int height, int width)
        {
            var png = ByteString.CopyFrom(FramePictures.Png(rgb, width, height));
            Summary.Types.Image image = new() { Height = height, Width = width, Colorspace = 3, EncodedImageString = png };
            return new Event { Step = step, WallTime = Now, Summary = new Summary { Value = { new Summary.Types.Value { Tag = tag, Image = image } } } };
        }
    }

    public void Dispose() => _file?.Dispose();

    private double Now => time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    // The plug-in's way to say with what a run was begun (tensorboard/plugins/hparams, api.proto and plugin_data.proto), in the run's own file: TensorBoard
    // lists the run in its table, beside all its scalars. PyTorch's add_hparams makes a run of its own for it.
    private Event HyperParameters()
    {
        Struct values = new(); // a map from names to values in field 1, as SessionStartInfo begins
        foreach (var (key, value) in ConfigBinder.Leaves(config))
        {
            values.Fields[key] =
                double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? Value.ForNumber(number)
                : bool.TryParse(value, out var flag) ? Value.ForBool(flag)
                : Value.ForString(value);
        }

        using MemoryStream data = new();
        using (CodedOutputStream output = new(data, leaveOpen: true))
        {
            output.WriteTag(3, WireFormat.WireType.LengthDelimited); // HParamsPluginData.session_start_info
            output.WriteMessage(values);
        }

        TensorShapeProto none = new() { Dim = { new TensorShapeProto.Types.Dim() } }; // a list of 0 numbers: what is said is in the metadata
        return new Event
        {
            WallTime = Now,
            Summary = new Summary
            {
                Value =
                {
                    new Summary.Types.Value
                    {
                        Tag = "_hparams_/session_start_info",
                        Metadata = new SummaryMetadata
                        {
                            PluginData = new SummaryMetadata.Types.PluginData { PluginName = "hparams", Content = ByteString.CopyFrom(data.ToArray()) },
                            DataClass = DataClass.Tensor,
                        },
                        Tensor = new TensorProto { Dtype = DataType.DtFloat, TensorShape = none },
                    },
                },
            },
        };
    }

    private void Write(IEnumerable<Event> events)
    {
        using MemoryStream records = new();
        if (_file is null or { Length: 0 })
        {
            Record(records, new Event { FileVersion = "brain.Event:2", WallTime = Now });
            Record(records, HyperParameters());
        }

        foreach (var item in events)
        {
            Record(records, item);
        }

        var whole = 0L;
        try
        {
            _file ??= Open(); // made with its first event
            whole = _file.Length;
            _file.Write(records.GetBuffer(), 0, (int)records.Length);
        }
        catch (IOException e) when (FullDiskException.IsCause(e))
        {
            _file?.SetLength(whole); // a reader ends at a torn record
            _file?.Seek(0, SeekOrigin.End);
            throw new FullDiskException($"the TensorBoard events cannot be written: {e.Message}. Make room and resume.", e);
        }
    }

    // TensorBoard reads the files of a folder in the order of their names.
    private FileStream Open()
    {
        Directory.CreateDirectory(folder);
        var name = $"events.out.tfevents.{time.GetUtcNow().Ticks}.{Environment.MachineName}.{Environment.ProcessId}";
        return new FileStream(
            Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    // TFRecord: length, its checksum, the event, its checksum.
    private static void Record(MemoryStream records, Event item)
    {
        var data = item.ToByteArray();
        var head = new byte[sizeof(ulong) + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(sizeof(ulong)), Checksum(head.AsSpan(0, sizeof(ulong))));
        records.Write(head);
        records.Write(data);
        BinaryPrimitives.WriteUInt32LittleEndian(head, Checksum(data));
        records.Write(head, 0, sizeof(uint));
    }

    private static uint Checksum(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8; // masked, as TFRecord has it
    }
}
