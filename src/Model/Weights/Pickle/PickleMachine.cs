using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Text;

namespace Xkd.Model.Weights;

/// <summary>
/// Reads one pickle as data. Nothing is executed: a global must be on <see cref="PickleTypes"/>' list and a call to one is answered by this program.
/// Every loop is over bytes of the input, so time and memory are bounded by its size.
/// </summary>
/// <remarks>Opcodes: CPython's Lib/pickletools.py. Those PyTorch's protocols 2 to 5 write are known, every other one is refused.</remarks>
internal sealed class PickleMachine(PickleInput input, Action<PickleStorage>? onStorage = null)
{
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = new();
    private readonly Dictionary<long, object?> _memo = [];

    /// <summary>Reads up to the pickle's STOP and returns its one value.</summary>
    /// <exception cref="PickleFormatException">It is damaged, or names what weights never need.</exception>
    public object? Run()
    {
        while (true)
        {
            var opcode = input.ReadByte();
            if (opcode == '.')
            {
                return _stack.Count == 1 && _marks.Count == 0
                    ? _stack[0]
                    : throw new PickleFormatException($"the pickle ends with {_stack.Count} values, not one");
            }

            Step(opcode);
        }
    }

    private void Step(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: Protocol(input.ReadByte()); break;
            case 0x95: input.ReadInt64(); break;                                   // FRAME: a hint to buffering readers
            case (byte)'(': _marks.Push(_stack.Count); break;
            case (byte)'0': Pop(); break;
            case (byte)'1': PopToMark(); break;
            case (byte)'2': Push(Peek()); break;
            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'J': Push((long)input.ReadInt32()); break;
            case (byte)'K': Push((long)input.ReadByte()); break;
            case (byte)'M': Push((long)input.ReadUInt16()); break;
            case 0x8a: PushLong(input.ReadByte()); break;
            case 0x8b: PushLong(input.ReadInt32()); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(input.Bytes(8))); break;
            case (byte)'X': Push(input.Text(input.ReadUInt32())); break;
            case 0x8c: Push(input.Text(input.ReadByte())); break;
            case 0x8d: Push(input.Text(input.ReadInt64())); break;
            case (byte)'T': Push(input.Text(input.ReadUInt32())); break;      // Python 2 strings
            case (byte)'U': Push(input.Text(input.ReadByte())); break;
            case (byte)'B': Push(input.Bytes(input.ReadUInt32())); break;
            case (byte)'C': Push(input.Bytes(input.ReadByte())); break;
            case 0x8e: Push(input.Bytes(input.ReadInt64())); break;
            case (byte)')': Push(Array.Empty<object?>()); break;
            case (byte)'t': Push(PopToMark()); break;
            case 0x85: Push(PopMany(1)); break;
            case 0x86: Push(PopMany(2)); break;
            case 0x87: Push(PopMany(3)); break;
            case (byte)']' or 0x8f: Push(new List<object?>()); break;
            case (byte)'l' or 0x91: Push(new List<object?>(PopToMark())); break;
            case (byte)'a': Extend(PopMany(1)); break;
            case (byte)'e' or 0x90: Extend(PopToMark()); break;
            case (byte)'}': Push(new PickleDict()); break;
            case (byte)'d': Push(AddPairs(new PickleDict(), PopToMark())); break;
            case (byte)'s': SetItems(PopMany(2)); break;
            case (byte)'u': SetItems(PopToMark()); break;
            case (byte)'q': _memo[input.ReadByte()] = Peek(); break;
            case (byte)'r': _memo[input.ReadUInt32()] = Peek(); break;
            case 0x94: _memo[_memo.Count] = Peek(); break;
            case (byte)'h': Push(Recall(input.ReadByte())); break;
            case (byte)'j': Push(Recall(input.ReadUInt32())); break;
            case (byte)'c': Push(PickleTypes.Global(input.Line(), input.Line())); break;
            case 0x93: StackGlobal(); break;
            case (byte)'R' or 0x81: Reduce(); break;
            case (byte)'b': Build(); break;
            case (byte)'Q': Push(Persistent(Pop())); break;
            default: throw new PickleFormatException($"opcode 0x{opcode:x2} is not one that weights need");
        }
    }

    private static void Protocol(byte version)
    {
        PickleFormatException.ThrowIf(version is < 2 or > 5, $"pickle protocol {version} is not known (2 to 5 are)");
    }

    private void Push(object? value) => _stack.Add(value);

    private int Floor => _marks.TryPeek(out var mark) ? mark : 0;

    private object? Peek() => _stack.Count > Floor ? _stack[^1] : throw new PickleFormatException("an opcode finds no value on the stack");

    private object? Pop()
    {
        var value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] PopMany(int count)
    {
        var values = new object?[count];
        for (var i = count - 1; i >= 0; i--)
        {
            values[i] = Pop();
        }

        return values;
    }

    private object?[] PopToMark()
    {
        PickleFormatException.ThrowIf(!_marks.TryPop(out var mark), "an opcode finds no mark on the stack");
        object?[] values = [.. _stack[mark..]];
        _stack.RemoveRange(mark, values.Length);
        return values;
    }

    private object? Recall(long index) => _memo.TryGetValue(index, out var value) ? value : throw new PickleFormatException($"memo {index} was never stored");

    private void PushLong(int bytes)
    {
        var value = new BigInteger(input.Bytes(bytes), isUnsigned: false, isBigEndian: false);
        Push(value >= long.MinValue && value <= long.MaxValue ? (long)value : (object)value);
    }

    private void Extend(object?[] values) =>
        (Peek() as List<object?> ?? throw new PickleFormatException("items are appended to something that is no list")).AddRange(values);

    private void SetItems(object?[] pairs)
    {
        // Items set on an object of no interest (a Counter, the arguments of a run) are of none either.
        if (Peek() is not PickleOpaque)
        {
            AddPairs(Peek() as PickleDict ?? throw new PickleFormatException("items are set on something that is no dict"), pairs);
        }
    }

    private static PickleDict AddPairs(PickleDict dict, object?[] pairs)
    {
        PickleFormatException.ThrowIf(pairs.Length % 2 != 0, "a dict has a key without a value");
        for (var i = 0; i < pairs.Length; i += 2)
        {
            dict.Items.Add(new(pairs[i], pairs[i + 1]));
        }

        return dict;
    }

    private void StackGlobal()
    {
        if (PopMany(2) is not [string module, string name])
        {
            throw new PickleFormatException("a global's name is not a string");
        }

        Push(PickleTypes.Global(module, name));
    }

    private void Reduce()
    {
        if (PopMany(2) is not [PickleGlobal callable, object?[] arguments])
        {
            throw new PickleFormatException("a call is not of a known global with a tuple");
        }

        Push(PickleTypes.Call(callable, arguments));
    }

    private void Build()
    {
        // The state of an OrderedDict is its `_metadata`: version numbers of modules, and what an export says of its encoder. Other states are ignored.
        var state = Pop();
        PickleFormatException.ThrowIf(Peek() is not (PickleDict or PickleOpaque or PickleTensor), "a state is set on an object that has none");
        if (Peek() is not PickleDict dict || (state as PickleDict)?.Items.LastOrDefault(item => item.Key is "_metadata").Value is not PickleDict metadata)
        {
            return;
        }

        foreach (var (key, value) in metadata.Items)
        {
            if (key is string name && value is string text)
            {
                dict.Metadata[name] = text;
            }
        }
    }

    private PickleStorage Persistent(object? id)
    {
        var storage = PickleTypes.Storage(id);
        onStorage?.Invoke(storage);
        return storage;
    }
}

/// <summary>The bytes of a pickle. Nothing is allocated for a length the remaining bytes cannot hold.</summary>
internal sealed class PickleInput(Stream stream) : BinaryReader(stream, Encoding.UTF8, leaveOpen: true)
{
    private const int LongestLine = 1024;

    public byte[] Bytes(long count)
    {
        var bytes = new byte[count >= 0 && count <= BaseStream.Length - BaseStream.Position ? count : throw new EndOfStreamException()];
        BaseStream.ReadExactly(bytes);
        return bytes;
    }

    public string Text(long count) => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Bytes(count));

    /// <summary>Up to the next line feed, which is not part of the text.</summary>
    public string Line()
    {
        var line = new StringBuilder();
        for (var value = ReadByte(); value != '\n'; value = ReadByte())
        {
            PickleFormatException.ThrowIf(value >= 0x80 || line.Length == LongestLine, "a global's name is not plain text");
            line.Append((char)value);
        }

        return line.ToString();
    }
}

/// <summary>The pickle is damaged or holds something weights never need. The file's reader adds its name.</summary>
internal sealed class PickleFormatException(string message) : Exception(message)
{
    public static void ThrowIf([DoesNotReturnIf(true)] bool wrong, string message)
    {
        if (wrong)
        {
            throw new PickleFormatException(message);
        }
    }
}
