namespace Agora.Cli;

/// <summary>What the process says to a script; documented in the README.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    /// <summary>Wrong usage or experiment file; nothing was started.</summary>
    public const int Usage = 2;
    /// <summary>The run ended, but some generator did not reach the number of instances asked for.</summary>
    public const int Incomplete = 3;
    public const int Interrupted = 130;
    public const int Terminated = 143;
}
