function Compare-BorgClusterVM {
    <#
    .SYNOPSIS
    Tells what would hinder this node from registering a virtual machine, before anything takes its place.
    .DESCRIPTION
    The configuration is one that was extracted and is not in its place yet. It is compared as a copy's would be, so that an id
    that is in use does not matter, and nothing is registered: the planned machine of the comparison is destroyed. Disks and media
    are left out, as theirs is another place now. What registering would mend says so in mended_by.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Path
    The full path of the .vmcx.
    .EXAMPLE
    Compare-BorgClusterVM -VMId $id -Path $vmcx
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [ValidatePattern('\.vmcx$')]
        [string]
        $Path
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $file = Resolve-BorgClusterPath -Path $Path
    $findings = @()
    if ($PSCmdlet.ShouldProcess($file, "Compare the configuration of $VMId with this node")) {
        $findings = @(Get-BorgClusterComparison -Path $file)
    }
    $answer = [ordered]@{
        vm_id = $VMId.ToString('D')
        registered = $false
        incompatibilities = $findings
        state = Get-BorgClusterVMStateFact -VMId $VMId
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
