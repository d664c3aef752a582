using Google.Protobuf;

namespace Xkd.Model.Onnx;

#pragma warning disable CA1001 // memory only: there is nothing to dispose of

/// <summary>A small protobuf message in memory. What is large is streamed behind an <see cref="Open"/> field, see <see cref="OnnxGraph.Write"/>.</summary>
internal sealed class ProtoMessage
{
    private const int BufferBytes = 256;

    private readonly MemoryStream _bytes = new();
    private readonly CodedOutputStream _output;

    public ProtoMessage() => _output = new CodedOutputStream(_bytes, BufferBytes, leaveOpen: true);

    /// <summary>The message so far; valid until the next field is added.</summary>
    public ReadOnlyMemory<byte> Bytes
    {
        get
        {
            _output.Flush();
            return _bytes.GetBuffer().AsMemory(0, (int)_bytes.Length);
        }
    }

    /// <summary>Bytes of a field's tag and length in front of that many bytes.</summary>
    public static int OpenBytes(int field, int length) => CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeLengthSize(length);

    public ProtoMessage Integer(int field, long value)
    {
        _output.WriteTag(field, WireFormat.WireType.Varint);
        _output.WriteInt64(value);
        return this;
    }

    public ProtoMessage Integers(int field, ReadOnlySpan<long> values)
    {
        foreach (var value in values)
        {
            Integer(field, value);
        }

        return this;
    }

    public ProtoMessage Number(int field, float value)
    {
        _output.WriteTag(field, WireFormat.WireType.Fixed32);
        _output.WriteFloat(value);
        return this;
    }

    public ProtoMessage Text(int field, string value)
    {
        _output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        _output.WriteString(value);
        return this;
    }

    public ProtoMessage Texts(int field, IEnumerable<string> values)
    {
        foreach (var value in values)
        {
            Text(field, value);
        }

        return this;
    }

    public ProtoMessage Message(int field, ProtoMessage value)
    {
        _output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        _output.WriteBytes(UnsafeByteOperations.UnsafeWrap(value.Bytes));
        return this;
    }

    /// <summary>Tag and length of a field whose bytes the caller writes after this message.</summary>
    public ProtoMessage Open(int field, int length)
    {
        _output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        _output.WriteLength(length);
        return this;
    }
}
