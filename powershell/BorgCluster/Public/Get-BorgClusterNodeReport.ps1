function Get-BorgClusterNodeReport {
    <#
    .SYNOPSIS
    Reports the virtual machines that are registered on this node, with all their files.
    .DESCRIPTION
    Disk chains are read here, since only the node that uses a disk can. A machine that leaves the node meanwhile is left out;
    of one whose storage is lost (a ...Critical state) only what Hyper-V tells without it is reported. Of one that can't be
    read for another reason what can be is reported, and its disks tell that reason as the error of their chains.
    .EXAMPLE
    Get-BorgClusterNodeReport
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param ()

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $network = [System.Net.NetworkInformation.IPGlobalProperties]::GetIPGlobalProperties()
    $fqdn = $null
    if (-not [string]::IsNullOrEmpty($network.DomainName)) {
        $fqdn = $network.HostName + '.' + $network.DomainName
    }
    $statusTable = Get-BorgClusterOperationalStatus
    $cache = @{}
    $vms = [System.Collections.Generic.List[object]]::new()
    foreach ($vm in @(Hyper-V\Get-VM -ErrorAction Stop)) {
        try {
            $vms.Add((ConvertTo-BorgClusterVM -VM $vm -StatusTable $statusTable -Cache $cache))
        } catch {
            $code = Get-BorgClusterErrorCode -ErrorRecord $_
            $now = Find-BorgClusterVM -VMId $vm.Id
            if ($null -eq $now) {
                continue
            }
            $lost = [string] $now.State -match 'Critical$'
            $rest = @{ VM = $now; StatusTable = $statusTable; Cache = $cache; WithoutParts = $lost; FailureCode = $code }
            $vms.Add((ConvertTo-BorgClusterVM @rest))
        }
    }
    $answer = [ordered]@{
        node = [System.Environment]::MachineName
        fqdn = $fqdn
        module_version = Get-BorgClusterModuleVersion
        taken_at = ConvertTo-BorgClusterTime -Value ([datetime]::UtcNow)
        os_build = Get-BorgClusterOSBuild
        memory_available = Get-BorgClusterFreeMemory
        vms = $vms.ToArray()
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
