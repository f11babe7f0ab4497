using System.Diagnostics.CodeAnalysis;
using Agora.Experiments;

namespace Agora.LanguageModels;

/// <summary>Finished items of a long step, kept so that a resume pays for nothing twice.</summary>
/// <remarks>Safe for use from many threads. Keys and records are any well-formed text; a record may be large.</remarks>
public interface IJournal
{
    /// <returns>True with the record that was appended under this key, in this process or an earlier one.</returns>
    bool TryGet(string key, [NotNullWhen(true)] out string? record);

    /// <summary>Keeps the record. It survives the end of this process at once, and the loss of power after the next flush.</summary>
    /// <exception cref="InvalidOperationException">The key stands already, with another record.</exception>
    /// <exception cref="AgoraException">The record could not be written, for instance because the disk is full; what stood before still stands.</exception>
    void Append(string key, string record);

    /// <summary>Returns once everything appended before the call has reached the disk.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);
}
