using System.Buffers.Binary;
using System.Text;

namespace Xkd.Decoder;

/// <summary>Writes messages; bytes of one kind are gathered into large ones.</summary>
internal sealed class MessageWriter(Stream output)
{
    private const int Header = 5;
    private readonly byte[] _buffer = new byte[256 << 10];
    private int _count = Header;
    private DecoderMessage _kind;

    /// <summary>Adds bytes to what goes out next.</summary>
    public void Append(DecoderMessage kind, ReadOnlySpan<byte> bytes)
    {
        if (kind != _kind)
        {
            Flush();
            _kind = kind;
        }

        while (bytes.Length > 0)
        {
            var part = Math.Min(bytes.Length, _buffer.Length - _count);
            bytes[..part].CopyTo(_buffer.AsSpan(_count));
            _count += part;
            bytes = bytes[part..];
            if (_count == _buffer.Length)
            {
                Flush();
            }
        }
    }

    /// <summary>Sends a whole message at once.</summary>
    public void Send(DecoderMessage kind, ReadOnlySpan<byte> payload)
    {
        Flush();
        _kind = kind;
        payload.CopyTo(_buffer.AsSpan(Header));
        _count = Header + payload.Length;
        Flush(evenEmpty: true);
    }

    public void Send(DecoderMessage kind, string text) => Send(kind, Encoding.UTF8.GetBytes(text));

    /// <summary>Forgets what has not gone out.</summary>
    public void Clear() => _count = Header;

    private void Flush(bool evenEmpty = false)
    {
        if (_count > Header || evenEmpty)
        {
            _buffer[0] = (byte)_kind;
            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(1), _count - Header);
            output.Write(_buffer.AsSpan(0, _count));
            _count = Header;
        }
    }
}
