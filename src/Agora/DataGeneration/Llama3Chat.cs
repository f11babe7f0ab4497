namespace Agora.DataGeneration;

/// <summary>The chat format in which the token limit counts: the paper's student is a Llama 3.</summary>
/// <remarks>The paper's validator counts with the system message "You are a helpful assistant" though it trains with another; here they are one.</remarks>
public static class Llama3Chat
{
    public static string Render(string systemMessage, InstructionResponse pair) =>
        $"<|begin_of_text|>{Turn("system", systemMessage)}{Turn("user", pair.Instruction)}{Turn("assistant", pair.Response)}";

    private static string Turn(string role, string content) => $"<|start_header_id|>{role}<|end_header_id|>\n\n{content.Trim()}<|eot_id|>";
}
