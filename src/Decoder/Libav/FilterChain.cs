using static Xkd.Decoder.Libav.LibavApi;

namespace Xkd.Decoder.Libav;

/// <summary>A chain of filters, written as on the ffmpeg program's command line, from a source of frames to a sink.</summary>
internal sealed unsafe class FilterChain : IDisposable
{
    private readonly void* _source;
    private readonly void* _sink;
    private void* _graph;

    /// <param name="source">The source filter with its arguments: <c>buffer=…</c> or <c>abuffer=…</c>.</param>
    /// <param name="filters">The filters between.</param>
    /// <param name="sink">The sink filter: <c>buffersink</c> or <c>abuffersink</c>.</param>
    public FilterChain(string source, string filters, string sink)
    {
        _graph = avfilter_graph_alloc();
        void* inputs = null, outputs = null;
        Check(av_opt_set_int(_graph, "threads", 1, 0));
        Check(avfilter_graph_parse2(_graph, $"{source},{filters},{sink}", &inputs, &outputs));
        Check(avfilter_graph_config(_graph, null));

        // Filters are named by their kind and place.
        _source = avfilter_graph_get_filter(_graph, $"Parsed_{source[..source.IndexOf('=', StringComparison.Ordinal)]}_0");
        _sink = avfilter_graph_get_filter(_graph, $"Parsed_{sink}_{filters.Split(',').Length + 1}");
        if (_source == null || _sink == null)
        {
            throw new RefusedException("its filters have other names");
        }
    }

    /// <summary>Takes a frame over.</summary>
    public void Push(Frame* frame) => Check(av_buffersrc_add_frame(_source, frame));

    /// <summary>There are no more frames; the last ends at that time.</summary>
    public void Close(long end) => Check(av_buffersrc_close(_source, end, flags: 4)); // AV_BUFFERSRC_FLAG_PUSH

    /// <summary>Gives the next frame, where one is ready.</summary>
    public bool Pull(Frame* frame)
    {
        var got = av_buffersink_get_frame(_sink, frame);
        if (got is Again or EndOfFile)
        {
            return false;
        }

        Check(got);
        return true;
    }

    public void Dispose()
    {
        var graph = _graph;
        avfilter_graph_free(&graph);
        _graph = null;
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new RefusedException("its frames do not pass the filters");
        }
    }
}
