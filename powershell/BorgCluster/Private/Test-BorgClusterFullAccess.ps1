function Test-BorgClusterFullAccess {
    <#
    .SYNOPSIS
    Tells whether the cluster's access list gives the identity of this session, or a group of it, full access.
    #>
    $identity = [System.Security.Principal.WindowsIdentity]::GetCurrent()
    $mine = @([string] $identity.User) + @(foreach ($group in $identity.Groups) { [string] $group })
    foreach ($row in @(FailoverClusters\Get-ClusterAccess -ErrorAction Stop)) {
        $right = [string] (Get-BorgClusterProperty -InputObject $row -Name 'ClusterRights')
        $type = [string] (Get-BorgClusterProperty -InputObject $row -Name 'AccessControlType')
        if ($right -ne 'Full' -or $type -eq 'Deny') {
            continue
        }
        # Compared by SID: names are localized
        $account = [System.Security.Principal.NTAccount]::new([string] $row.IdentityReference)
        try {
            $sid = [string] $account.Translate([System.Security.Principal.SecurityIdentifier])
        } catch [System.Security.Principal.IdentityNotMappedException] {
            Write-Verbose -Message "The cluster's access list names an account that is gone: $_"
            continue
        }
        if ($sid -in $mine) {
            return $true
        }
    }
    return $false
}
