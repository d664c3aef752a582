using Microsoft.Win32.SafeHandles;
using Xkd.Decoder;
using Xkd.Decoder.Libav;

// Decodes the sources it is asked for, one after the other, and ends with its input. A crash of libav on a broken source costs this
// process and nothing else.
if (DecoderSettings.Parse(args) is not { } settings)
{
    Console.Error.WriteLine("xkd-decode is started by xkd ingest: FPS SHORT_SIDE SAMPLE_RATE video|- audio|- BUILD");
    return 2;
}

using var input = new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
using var output = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
Pipe.Widen(1);
var messages = new MessageWriter(output);
if (LibavApi.Load(settings.Build, out var found) is not { } version)
{
    messages.Send(DecoderMessage.Refused, found);
    return 1;
}

SourceDecoder.WatchErrors();
messages.Send(DecoderMessage.Hello, found);
var decoder = new SourceDecoder(settings, version, messages);
foreach (var path in Requests.Read(input))
{
    try
    {
        var payload = new byte[DecoderEnd.Bytes];
        decoder.Decode(path).Write(payload);
        messages.Send(DecoderMessage.End, payload);
    }
    catch (RefusedException refused)
    {
        messages.Clear();
        messages.Send(DecoderMessage.Refused, refused.Message);
    }
}

return 0;
