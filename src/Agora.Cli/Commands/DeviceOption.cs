using System.CommandLine;
using Agora.Experiments;
using Agora.Students.Inference;

namespace Agora.Cli.Commands;

/// <summary>Where the models compute that run in this process; an experiment says it by recipe.device.</summary>
internal static class DeviceOption
{
    public static Option<string> Create() =>
        new("--device") { Description = "Where models of this process compute: auto (a CUDA device where there is one), cpu, or cuda:N.", DefaultValueFactory = _ => DeviceChoice.Auto };

    /// <exception cref="AgoraException">The text names no device.</exception>
    public static string Device(this ParseResult parsed, Option<string> device) => DeviceChoice.Check(parsed.GetRequiredValue(device), device.Name);
}
