namespace Xkd.Model.Objectives;

/// <summary>Distillation temperatures of one step (published: teachers 0.1 and 0.07, students 0.1).</summary>
/// <param name="TeacherVideo">Sharpens the video teacher, which teaches the audio student.</param>
/// <param name="TeacherAudio">Sharpens the audio teacher, which teaches the video student.</param>
/// <param name="StudentVideo">Softens the video student; see <see cref="StudentTemperatureRule"/>.</param>
/// <param name="StudentAudio">Softens the audio student.</param>
public readonly record struct KdTemperatures(double TeacherVideo = 0.1, double TeacherAudio = 0.07, double StudentVideo = 0.1, double StudentAudio = 0.1)
{
    /// <summary>The published temperatures.</summary>
    public static KdTemperatures Published { get; } = new(0.1, 0.07, 0.1, 0.1);
}
