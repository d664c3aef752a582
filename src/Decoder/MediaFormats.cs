namespace Xkd.Decoder;

/// <summary>
/// Which demuxers and protocols may read a source. libavformat has some that make media of any text, of numbered pictures, or of other files and hosts that a
/// playlist names: none of these is here, whatever a file is called and whatever it begins with.
/// </summary>
public static class MediaFormats
{
    /// <summary>Names of demuxers, separated by commas, as libavformat's option <c>format_whitelist</c> takes them.</summary>
    public const string Demuxers =
        "aac,ac3,aiff,amr,amrnb,amrwb,ape,apng,asf,au,av1,avi,caf,dsf,dts,dtshd,dv,eac3,flac,flv,gif,gxf,h261,h263,h264,hevc,ivf,live_flv,loas,m4v,matroska,mjpeg,mov,mp3,mpc,mpc8,mpeg,mpegts,"
        + "mpegvideo,mxf,nsv,nut,obu,ogg,oma,rm,shn,tak,truehd,tta,vc1,voc,vvc,w64,wav,wtv,wv,xwma,yuv4mpegpipe";

    /// <summary>What libavformat's option <c>protocol_whitelist</c> takes.</summary>
    public const string Protocols = "file";
}
