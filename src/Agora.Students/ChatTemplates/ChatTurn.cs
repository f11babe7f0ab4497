namespace Agora.Students.ChatTemplates;

/// <summary>One message of a conversation as a chat template sees it.</summary>
/// <param name="Role">"system", "user" or "assistant", as a rule; the template decides what it accepts.</param>
public sealed record ChatTurn(string Role, string Content);
