function Invoke-BorgClusterSettingChange {
    <#
    .SYNOPSIS
    Makes one change to a role's settings, or fails.
    #>
    param (
        [Parameter(Mandatory)]
        [hashtable]
        $Change
    )

    $target = $Change['Target']
    $value = $Change['Value']
    switch ($Change['Kind']) {
        'Property' {
            # The setter writes to the cluster at once
            $target.($Change['Name']) = $value
        }
        'TextList' {
            $texts = [System.Collections.Specialized.StringCollection]::new()
            foreach ($text in $value) {
                $null = $texts.Add($text)
            }
            $target.($Change['Name']) = $texts
        }
        'Parameter' {
            $parameter = @{ InputObject = $target; Name = $Change['Name']; Value = $value; ErrorAction = 'Stop' }
            $null = FailoverClusters\Set-ClusterParameter @parameter
        }
        'Owner' {
            $null = FailoverClusters\Set-ClusterOwnerNode -InputObject $target -Owners $value -ErrorAction Stop
        }
        'Dependency' {
            $null = FailoverClusters\Add-ClusterResourceDependency -InputObject $target -Provider $value -ErrorAction Stop
        }
        'GroupSet' {
            foreach ($set in @(FailoverClusters\Get-ClusterGroupSet -ErrorAction Stop)) {
                if ($set.Name -eq $value) {
                    $null = FailoverClusters\Add-ClusterGroupToSet -InputObject $set -Group $target.Name -ErrorAction Stop
                    return
                }
            }
            throw "There is no set '$value'."
        }
        'AffinityRule' {
            foreach ($rule in @(Get-BorgClusterAffinityRule)) {
                if ($rule.Name -eq $value) {
                    $addition = @{ InputObject = $rule; Groups = $target.Name; ErrorAction = 'Stop' }
                    $null = FailoverClusters\Add-ClusterGroupToAffinityRule @addition
                    return
                }
            }
            throw "There is no affinity rule '$value'."
        }
        default {
            throw [string] $value
        }
    }
}
