using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Onnx;

/// <summary>Adds what <see cref="EvaluationEncoder.Features"/> computes to a graph, operator by operator.</summary>
internal sealed class EncoderGraph
{
    private readonly OnnxGraph _graph;
    private readonly ViT _network;
    private readonly string _modality;
    private readonly Dictionary<string, Tensor> _parameters;

    private EncoderGraph(OnnxGraph graph, EvaluationEncoder encoder)
    {
        (_graph, _network, _modality) = (graph, encoder.Network, Name(encoder.Modality));
        _parameters = StateNames.StateDict(_network).ToDictionary(entry => entry.Name, entry => entry.Value, StringComparer.Ordinal);
    }

    private long Dim => _network.Options.Dim;

    /// <summary>What an encoder's input is called.</summary>
    public static string Name(WeightModality modality) => modality == WeightModality.Video ? "video" : "audio";

    /// <summary>Adds an encoder with its input; returns its features [N, D].</summary>
    /// <param name="graph">Receives it. What is made for it must live until it is written: the caller's scope holds it.</param>
    /// <param name="encoder">Which.</param>
    /// <param name="frameSize">Height and width of the frames in pixels, of video; null: the native size.</param>
    /// <exception cref="UsageException">The frames are not a whole number of cuboids.</exception>
    public static string Add(OnnxGraph graph, EvaluationEncoder encoder, int? frameSize)
    {
        EncoderGraph builder = new(graph, encoder);
        return encoder.Network switch
        {
            VideoViT video => builder.Add(video, frameSize ?? video.Geometry.Height, frameSize ?? video.Geometry.Width),
            AudioViT audio => builder.Add(audio),
            var other => throw new NotSupportedException($"an encoder of type {other.GetType().Name} is not exported"),
        };
    }

    private string Add(VideoViT network, int height, int width)
    {
        var g = network.Geometry;
        var grid = g.Grid(g.Frames, height, width);
        var input = _graph.Input(_modality, g.Channels, g.Frames, height, width);
        long[] cut = [0, g.Channels, grid.Time, g.PatchFrames, grid.Rows, g.PatchHeight, grid.Columns, g.PatchWidth];
        var patches = Patches(input, cut, [0, 2, 4, 6, 3, 5, 7, 1], grid.Tokens, g.PatchDim);
        var clip = zeros([1, g.Channels, g.Frames, height, width], device: network.PositionTable.device); // only its shape is read
        return Features(patches, "cuboid_embed.proj", network.PositionsFor(clip));
    }

    private string Add(AudioViT network)
    {
        var g = network.Geometry;
        var grid = g.Grid(g.Mels, g.Frames);
        var input = _graph.Input(_modality, 1, g.Mels, g.Frames);
        var patches = Patches(input, [0, grid.Bands, g.PatchMels, grid.Time, g.PatchFrames], [0, 1, 3, 2, 4], grid.Tokens, g.PatchDim);
        return Features(patches, "patch_embed.proj", network.PositionTable);
    }

    // A size of 0 keeps the batch. The result is [N, tokens, values].
    private string Patches(string input, long[] cut, long[] order, int tokens, int values)
    {
        var pieces = _graph.Node("Reshape", [input, _graph.Integers(cut)]);
        var ordered = _graph.Node("Transpose", [pieces], OnnxGraph.Attribute("perm", order));
        return _graph.Node("Reshape", [ordered, _graph.Integers(0, tokens, values)]);
    }

    // Patches [N, L, P] to features [N, D]; positions are [1, prefix + L, D].
    private string Features(string patches, string embed, Tensor positions)
    {
        var tokens = positions.shape[1] - _network.Prefix;
        var places = _graph.Constant($"{_modality}.positions", positions.narrow(1, _network.Prefix, tokens)); // [1, L, D]
        var x = _graph.Node("Add", [Linear(patches, embed), places]); // [N, L, D]
        if (_network.Prefix > 0)
        {
            var first = _graph.Constant($"{_modality}.class_token", _parameters["cls_token"].Add(positions.narrow(1, 0, 1))); // [1, 1, D]
            var batch = _graph.Node("Shape", [patches], OnnxGraph.Attribute("start", 0), OnnxGraph.Attribute("end", 1)); // N
            var shape = _graph.Node("Concat", [batch, _graph.Integers(1, Dim)], OnnxGraph.Attribute("axis", 0));
            x = _graph.Node("Concat", [_graph.Node("Expand", [first, shape]), x], OnnxGraph.Attribute("axis", 1)); // [N, 1 + L, D]
        }

        for (var i = 0; i < _network.Options.Depth; i++)
        {
            x = Block(x, $"encoder.blocks.{i}.");
        }

        x = Norm(x, "encoder_norm");
        if (_network.Prefix > 0)
        {
            var (from, to) = (_graph.Integers(_network.Prefix), _graph.Integers(_network.Prefix + tokens));
            x = _graph.Node("Slice", [x, from, to, _graph.Integers(1)]); // [N, L, D]
        }

        return _graph.Node("ReduceMean", [x], OnnxGraph.Attribute("axes", [1]), OnnxGraph.Attribute("keepdims", 0)); // [N, D]
    }

    private string Block(string x, string name)
    {
        x = _graph.Node("Add", [x, Attention(Norm(x, name + "norm1"), name + "attn.")]);
        var hidden = Gelu(Linear(Norm(x, name + "norm2"), name + "mlp.fc1"));
        return _graph.Node("Add", [x, Linear(hidden, name + "mlp.fc2")]);
    }

    private string Attention(string x, string name)
    {
        long heads = _network.Options.Heads, width = Dim / heads;
        var parts = _graph.Nodes("Split", 3, [Linear(x, name + "qkv")], OnnxGraph.Attribute("axis", 2)); // 3 x [N, L, D]
        var split = _graph.Integers(0, 0, heads, width);
        string Head(string part, long[] order) => _graph.Node("Transpose", [_graph.Node("Reshape", [part, split])], OnnxGraph.Attribute("perm", order));
        var query = _graph.Node("Mul", [Head(parts[0], [0, 2, 1, 3]), _graph.Number((float)(1 / Math.Sqrt(width)))]); // [N, heads, L, d]
        var scores = _graph.Node("MatMul", [query, Head(parts[1], [0, 2, 3, 1])]); // [N, heads, L, L]
        var weights = _graph.Node("Softmax", [scores], OnnxGraph.Attribute("axis", -1));
        var mixed = _graph.Node("MatMul", [weights, Head(parts[2], [0, 2, 1, 3])]); // [N, heads, L, d]
        var merged = _graph.Node("Reshape", [_graph.Node("Transpose", [mixed], OnnxGraph.Attribute("perm", [0, 2, 1, 3])), _graph.Integers(0, 0, Dim)]);
        return Linear(merged, name + "proj"); // [N, L, D]
    }

    private string Norm(string x, string name) => _graph.Node(
        "LayerNormalization", [x, Weight(name + ".weight"), Weight(name + ".bias")],
        OnnxGraph.Attribute("axis", -1), OnnxGraph.Attribute("epsilon", LayerNorm.Eps));

    private string Linear(string x, string name)
    {
        var product = _graph.Node("MatMul", [x, Weight(name + ".weight", transposed: true)]);
        return _parameters.ContainsKey(name + ".bias") ? _graph.Node("Add", [product, Weight(name + ".bias")]) : product;
    }

    // The exact one: x / 2 · (1 + erf(x / √2)).
    private string Gelu(string x)
    {
        var erf = _graph.Node("Erf", [_graph.Node("Div", [x, _graph.Number((float)Math.Sqrt(2))])]);
        var product = _graph.Node("Mul", [x, _graph.Node("Add", [erf, _graph.Number(1)])]);
        return _graph.Node("Mul", [product, _graph.Number(0.5f)]);
    }

    private string Weight(string name, bool transposed = false) => _graph.Weight($"{_modality}.{name}", _parameters[name], transposed);
}
