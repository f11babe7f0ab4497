namespace Agora.Tests.Hub;

/// <summary>What can go wrong with one request for a file's contents.</summary>
public enum HubFault
{
    /// <summary>429 that asks to wait a second.</summary>
    TooManyRequests,
    /// <summary>429 that asks to wait a day.</summary>
    TooManyRequestsForADay,
    /// <summary>503.</summary>
    Unavailable,
    /// <summary>403, as from an address whose signature has run out.</summary>
    Expired,
    /// <summary>The connection is closed in the middle of the body.</summary>
    CutInBody,
    /// <summary>The connection is closed after 2 MiB of the body, as a proxy does that limits what one answer may take.</summary>
    CutEarly,
    /// <summary>Nothing comes any more from the middle of the body on; the connection stays open.</summary>
    SilentInBody,
    /// <summary>The body is as long as announced, but one of its bytes is another.</summary>
    WrongByte,
    /// <summary>Another ETag than before.</summary>
    OtherTag,
    /// <summary>200 with the whole file, whatever range was asked for.</summary>
    NoRanges,
    /// <summary>206 with a range that nobody asked for.</summary>
    OtherRange,
    /// <summary>The file is longer than the hub said.</summary>
    OtherLength,
    /// <summary>Redirects to itself.</summary>
    RedirectsForEver,
    /// <summary>Redirects to a file of the client's machine.</summary>
    RedirectsToFile,
}
