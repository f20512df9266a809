function Get-BorgClusterWriterReport {
    <#
    .SYNOPSIS
    Reports which files the Hyper-V VSS writer lists for each virtual machine of this node, and the state of all writers.
    .DESCRIPTION
    No WMI class tells this, so diskshadow is asked, and its answer is read by GUIDs and paths only: it may be in any
    language. It takes from some seconds to minutes. Where there is no diskshadow, vssadmin tells the states alone.
    .EXAMPLE
    Get-BorgClusterWriterReport
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param ()

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $found = Get-BorgClusterWriterFact
    $answer = [ordered]@{
        node = [System.Environment]::MachineName
        module_version = Get-BorgClusterModuleVersion
        taken_at = ConvertTo-BorgClusterTime -Value ([datetime]::UtcNow)
        components = $found['Components']
        writers = $found['Writers']
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
