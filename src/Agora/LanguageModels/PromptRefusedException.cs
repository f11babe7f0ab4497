namespace Agora.LanguageModels;

/// <summary>A model will not answer this one prompt, now or later, while it would answer others: too long for its context, or filtered.</summary>
/// <remarks>Data generation counts it as a reject and goes on; it is no fault of the endpoint and nothing to retry.</remarks>
public sealed class PromptRefusedException(string message, Exception? cause = null) : Exception(message, cause);
