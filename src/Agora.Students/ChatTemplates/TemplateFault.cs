using Agora.Experiments;

namespace Agora.Students.ChatTemplates;

/// <summary>What is wrong with a template or with its use, and on which line; becomes an <see cref="AgoraException"/> where the file is known.</summary>
internal sealed class TemplateFault(string what, int line, bool isRefusal = false) : Exception(what.Length <= LongestMessage ? what : what[..LongestMessage] + "…")
{
    // A hostile template's names and refusals may have any length.
    private const int LongestMessage = 2000;

    /// <summary>From 1.</summary>
    public int Line { get; } = line;

    /// <summary>The template itself refused the conversation, by raise_exception.</summary>
    public bool IsRefusal { get; } = isRefusal;
}
