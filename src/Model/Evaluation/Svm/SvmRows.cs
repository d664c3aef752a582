using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// The rows that an SVM is fitted on as matrices: scaled, in float64, with the constant feature of the bias as the last column, some thousand rows at a time.
/// They stay in memory where they are few, else each pass makes them anew from the rows as they are stored.
/// </summary>
internal sealed class SvmRows : IDisposable
{
    private const long HeldBytes = 256L << 20, PieceBytes = 8L << 20;
    private readonly RowBlocks _rows;
    private readonly double _bias;
    private readonly Tensor _mean, _scale;
    private readonly List<Tensor> _held = [];
    private readonly bool _hold;

    public SvmRows(RowBlocks rows, FeatureScaler scaler, double bias)
    {
        (_rows, _bias, _mean, _scale) = (rows, bias, tensor(scaler.Mean), tensor(scaler.Scale));
        _hold = rows.Values is not null && (long)rows.Count * Length * sizeof(double) <= HeldBytes;
    }

    public int Count => _rows.Count;

    /// <summary>Numbers of a row, the bias feature's among them.</summary>
    public int Length => _rows.Dim + 1;

    /// <summary>Gives all rows once, in order: the first one's number and [rows, length]. Tensors made by the call are disposed of after it.</summary>
    public void ForEach(Action<int, Tensor> take, CancellationToken stop)
    {
        if (_held.Count > 0)
        {
            stop.ThrowIfCancellationRequested();
            var first = 0;
            foreach (var piece in _held)
            {
                using var scope = NewDisposeScope();
                take(first, piece);
                first += (int)piece.shape[0];
            }

            return;
        }

        var most = (int)Math.Max(1, PieceBytes / (Length * sizeof(double)));
        _rows.ForEachBlock((begin, count, values) =>
        {
            for (var start = 0; start < count; start += most)
            {
                using var scope = NewDisposeScope();
                var piece = Piece(values, start, Math.Min(most, count - start));
                if (_hold)
                {
                    _held.Add(piece.DetachFromDisposeScope());
                }

                take(begin + start, piece);
            }
        }, stop);
    }

    public void Dispose()
    {
        _held.ForEach(static piece => piece.Dispose());
        _mean.Dispose();
        _scale.Dispose();
    }

    private Tensor Piece(float[] values, int start, int count)
    {
        var piece = empty([count, Length], ScalarType.Float64); // [rows, length]
        var features = piece.narrow(1, 0, _rows.Dim);
        features.copy_(tensor(values.AsMemory(start * _rows.Dim, count * _rows.Dim), [count, _rows.Dim]));
        features.sub_(_mean).mul_(_scale);
        piece.narrow(1, _rows.Dim, 1).Fill(_bias);
        return piece;
    }
}
