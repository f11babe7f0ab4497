using System.Globalization;

namespace Agora.Experiments;

/// <summary>Where models that run in this process are computed: <c>auto</c>, <c>cpu</c> or <c>cuda:N</c>.</summary>
/// <remarks><c>auto</c> takes the first CUDA device that libtorch finds, and the CPU where there is none.</remarks>
public sealed record Device
{
    private Device(string name, int? cuda) => (Name, Cuda) = (name, cuda);

    public static Device Auto { get; } = new("auto", null);

    public static Device Cpu { get; } = new("cpu", null);

    /// <summary>As it is written.</summary>
    public string Name { get; }

    /// <summary>Number of the CUDA device; null for the others.</summary>
    public int? Cuda { get; }

    /// <exception cref="AgoraException">Exit code 2: none of the three.</exception>
    public static Device Parse(string text, string where)
    {
        if (text == Auto.Name)
            return Auto;
        if (text == Cpu.Name)
            return Cpu;
        var number = text == "cuda" ? "0" : text.StartsWith("cuda:", StringComparison.Ordinal) ? text["cuda:".Length..] : "";
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < 1024
            ? new Device($"cuda:{index}", index)
            : throw new AgoraException($"device must be auto, cpu or cuda:N, got {text}", where, "name the device so, such as cuda:0") { ExitCode = 2 };
    }

    public override string ToString() => Name;
}
