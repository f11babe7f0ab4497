namespace Agora.Experiments;

/// <summary>A fault that the person at the terminal can mend: what happened, where, and what to do about it.</summary>
/// <remarks>Its trace is shown only with <c>--verbose</c>. A broken assumption of our own is an <see cref="InvalidOperationException"/> instead.</remarks>
public sealed class AgoraException(string what, string where, string fix, Exception? cause = null)
    : Exception($"{what}\n  at:  {where}\n  fix: {fix}", cause)
{
    public string What { get; } = what;
    public string Where { get; } = where;
    public string Fix { get; } = fix;

    /// <summary>The process's exit code: 1 failed · 2 wrong usage or experiment file, nothing started · 3 done but incomplete.</summary>
    public int ExitCode { get; init; } = 1;
}
