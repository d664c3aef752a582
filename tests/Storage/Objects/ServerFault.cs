namespace Xkd.Storage.Tests;

/// <summary>What goes wrong with one request.</summary>
internal enum ServerFault
{
    None,

    /// <summary>500 InternalError, nothing done.</summary>
    InternalError,

    /// <summary>503 SlowDown, nothing done.</summary>
    SlowDown,

    /// <summary>The work is done; the connection ends in the middle of the answer's body, or where it has none a gateway answers 502 in its place.</summary>
    Cut,

    /// <summary>One bit of the answer's body is not what is stored.</summary>
    WrongByte,

    /// <summary>One bit of the request's body is not what was sent.</summary>
    DamagedOnArrival,

    /// <summary>403 AccessDenied.</summary>
    Denied,
}
